"""Which exporter sent a span, as far as it changes how its attributes are read."""

import re
from dataclasses import dataclass

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope

LANGFUSE_SCOPE = "langfuse-sdk"
"""Instrumentation scope of Langfuse's SDKs."""
MAJOR = re.compile(r"\d+")
JSON_METADATA_SINCE = {"python": 5, "javascript": 6}
"""First major version whose SDK encodes every metadata value as JSON, plain strings included."""


@dataclass(frozen=True, kw_only=True)
class SdkInfo:
    """The exporter by its request headers `x-langfuse-sdk-name` and `-version`; unknown for other exporters."""

    name: str | None = None
    version: str | None = None

    @property
    def encodes_metadata(self) -> bool:
        since = JSON_METADATA_SINCE.get(self.name or "")
        major = MAJOR.match(self.version or "")
        return since is not None and major is not None and int(major.group()) >= since

    def of_scope(self, scope: InstrumentationScope, language: str | None) -> "SdkInfo":
        """What is known for one scope: headers first, else the scope's own version (a collector drops headers)."""
        if scope.name != LANGFUSE_SCOPE:
            return SdkInfo()
        if self.name is not None:
            return self
        return SdkInfo(
            name={"nodejs": "javascript", "webjs": "javascript"}.get(language or "", language), version=scope.version
        )
