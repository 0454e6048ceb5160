"""Every knob of the server with its help, read once from `SIGHTLINE_*` variables and the command line."""

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from limits import parse
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE = 1024 * 1024
"""In bytes."""
LEAST_RESERVE_BYTES = 64 * MEBIBYTE
"""The writer's largest batch: with less in reserve, one that was admitted may not fit."""
STORES = ("s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "https", "http", "file", "memory")
"""URL schemes of object stores that obstore opens."""


def redacted(address: str) -> str:
    """An address as errors may show it: without user and password."""
    scheme, mark, rest = address.rpartition("://") if "://" in address else ("", "", address)
    return f"{scheme}{mark}{'…@' if '@' in rest else ''}{rest.rpartition('@')[2]}"


class Settings(BaseSettings):
    """Read by the composition root and the command line only; everything else is handed what it needs."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface.")
    port: int = Field(3000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    otlp_grpc_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port on the same address that takes OTLP over gRPC, 4317 by custom; 0 takes a free one. None by "
        "default: OTLP comes over HTTP, on the port above.",
    )
    data_dir: Path = Field(
        Path("sightline-data"), description="Folder for everything kept: databases, media, secrets. Made if missing."
    )
    public_url: str | None = Field(
        None,
        description="Address people and SDKs reach the server by, e.g. https://sightline.example.org, when a proxy "
        "stands in front. Signed media addresses and sign-in links begin with it; https makes cookies Secure.",
    )

    database_url: str | None = Field(
        None, description="sqlite+aiosqlite:///… or postgresql+asyncpg://…; a file in the data folder by default."
    )
    observations_url: str | None = Field(
        None,
        description="Where observations are kept: the embedded engine's folder (inside the data folder by default), or "
        "clickhouse://user:password@host:8123/database (clickhouses:// over TLS).",
    )
    media_url: str | None = Field(
        None,
        description="Folder or store (s3://…, gs://…, az://…) for media; inside the data folder by default.",
    )

    bus_url: str | None = Field(
        None,
        description="postgresql://… or redis://…, over which several server processes on the same stores tell each "
        "other what is new. One process needs none.",
    )
    secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="Secret from which keys, signatures and seals are derived; the same for every process on the same "
        "stores. Made and kept in the data folder by default.",
    )

    exports_lend_credentials: bool = Field(
        False,
        description="Let exports that have no key of their own use the credentials of the server's environment. Only "
        "where everybody who holds an organisation's key may do what the server may.",
    )

    init_org_id: str | None = Field(None, description="Organisation to make at start, if it does not exist.")
    init_org_name: str | None = Field(None, description="Its name.")
    init_org_public_key: str | None = Field(
        None, description="Public key of the organisation, pk-lf-…: runs its projects, people and keys."
    )
    init_org_secret_key: SecretStr | None = Field(None, description="Secret key of the organisation, sk-lf-….")
    init_project_id: str | None = Field(None, description="Project to make at start, if it does not exist.")
    init_project_name: str | None = Field(None, description="Its name.")
    init_project_public_key: str | None = Field(None, description="Public key of the project, pk-lf-….")
    init_project_secret_key: SecretStr | None = Field(None, description="Secret key of the project, sk-lf-….")
    init_user_email: str | None = Field(None, description="First person, owner of the organisation.")
    init_user_name: str | None = Field(None, description="Their name.")
    init_user_password: SecretStr | None = Field(None, description="Their password.")

    model_endpoint_url: str | None = Field(
        None, description="OpenAI-style endpoint behind the Ask page, e.g. http://127.0.0.1:8081/v1 or without /v1."
    )
    model_endpoint_key: SecretStr | None = Field(None, description="Bearer key of that endpoint.")

    max_export_bytes: int = Field(
        512 * MEBIBYTE,
        gt=0,
        description="Largest export of spans, and largest batch of the older ingestion, as sent, in bytes. Large ones "
        "wait in the data folder and are stored a batch at a time.",
    )
    max_inflated_bytes: int = Field(
        1024 * MEBIBYTE, gt=0, description="Largest export of spans after decompression, in bytes."
    )
    max_body_bytes: int = Field(16 * MEBIBYTE, gt=0, description="Largest body of any other request, in bytes.")
    max_media_bytes: int = Field(256 * MEBIBYTE, gt=0, description="Largest media file, in bytes.")
    min_free_bytes: int | None = Field(
        None,
        ge=0,
        description="Free disk space kept in reserve, in bytes: below it writes are answered 503, while reads, "
        "deletions and sign-in go on. A hundredth of the disk, at least 256 MiB, by default; 0 for no reserve.",
    )
    sign_in_limit: str = Field("10/minute", description="Sign-in attempts allowed per client address.")
    shutdown_timeout_s: int = Field(10, ge=0, description="Longest wait for requests in progress when stopping.")
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        "warning", description="critical, error, warning, info or debug."
    )

    @field_validator("public_url", "database_url", "observations_url", "media_url", "bus_url", "model_endpoint_url")
    @classmethod
    def _addresses_can_be_read(cls, address: str | None, of: ValidationInfo) -> str | None:
        if address and "://" in address:
            try:
                is_fit = not re.search(r"\s", address) and urlsplit(address).port != 0
            except ValueError:
                is_fit = False
            if not is_fit:
                raise ValueError(
                    f"SIGHTLINE_{(of.field_name or '').upper()} is {redacted(address)!r}: its host or port cannot be "
                    "read; write scheme://host:port, the port as a number up to 65535 and without spaces"
                )
        return address

    @field_validator("sign_in_limit")
    @classmethod
    def _a_limit_can_be_read(cls, limit: str) -> str:
        try:
            parse(limit)
        except ValueError as problem:
            raise ValueError(
                f"SIGHTLINE_SIGN_IN_LIMIT is {limit!r}: write a number per time, such as 10/minute"
            ) from problem
        return limit

    @model_validator(mode="after")
    def _keys_come_in_pairs(self) -> Self:
        pairs = {
            "PROJECT": (self.init_project_public_key, self.init_project_secret_key),
            "ORG": (self.init_org_public_key, self.init_org_secret_key),
        }
        for name, (public, secret) in pairs.items():
            if (public is None) != (secret is None):
                raise ValueError(
                    f"SIGHTLINE_INIT_{name}_PUBLIC_KEY and SIGHTLINE_INIT_{name}_SECRET_KEY go together: "
                    "only one of them is set. Set both or neither."
                )
        return self

    @model_validator(mode="after")
    def _a_reserve_holds_a_batch(self) -> Self:
        if self.min_free_bytes and self.min_free_bytes < LEAST_RESERVE_BYTES:
            raise ValueError(
                f"SIGHTLINE_MIN_FREE_BYTES is {self.min_free_bytes}, less than the largest batch: give at least "
                f"{LEAST_RESERVE_BYTES}, or 0 for no reserve"
            )
        return self

    @model_validator(mode="after")
    def _the_database_is_of_a_known_kind(self) -> Self:
        if self.database_url and not self.database_url.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
            kind = redacted(self.database_url).partition("://")[0]
            raise ValueError(
                f"SIGHTLINE_DATABASE_URL begins with {kind!r}: write sqlite+aiosqlite:///file or "
                "postgresql+asyncpg://user:password@host/database"
            )
        return self

    @model_validator(mode="after")
    def _observations_are_somewhere_known(self) -> Self:
        url = self.observations_url or ""
        if "://" in url and not re.fullmatch(r"clickhouses?://[^/?#]*[^/?#@:][^/?#@]*(/([a-zA-Z_]\w*)?)?", url):
            raise ValueError(
                f"SIGHTLINE_OBSERVATIONS_URL is {redacted(url)!r}: name a folder for the embedded engine, or "
                "a ClickHouse server as clickhouse://user:password@host:8123/database"
            )
        return self

    @model_validator(mode="after")
    def _media_are_somewhere_known(self) -> Self:
        kind, address, _ = (self.media_url or "").partition("://")
        if address and kind not in STORES:
            raise ValueError(
                f"SIGHTLINE_MEDIA_URL begins with {kind!r}: name a folder, or a store as s3://bucket, gs://bucket or "
                "az://container"
            )
        return self

    @model_validator(mode="after")
    def _the_bus_is_somewhere_known(self) -> Self:
        if self.bus_url and not self.bus_url.startswith(
            ("postgresql://", "postgresql+asyncpg://", "redis://", "rediss://")
        ):
            raise ValueError(
                f"SIGHTLINE_BUS_URL is {redacted(self.bus_url)!r}: name a postgresql:// or redis:// address"
            )
        return self

    @property
    def https(self) -> bool:
        return (self.public_url or "").startswith("https://")
