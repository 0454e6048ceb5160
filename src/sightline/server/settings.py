"""Every knob of the server with its help, read once from `SIGHTLINE_*` variables and the command line."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE = 1024 * 1024
"""In bytes."""
STORES = ("s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "https", "http", "file", "memory")
"""URL schemes of object stores that obstore opens."""


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

    outbound_allowed: str = Field(
        "",
        description="Internal targets that exports and model connections of a project may reach, with commas between "
        "them: names, addresses or networks, each with :port if only one, e.g. minio.lan:9000,127.0.0.1:11434 or "
        "10.0.0.0/8. None by default: those who hold keys are not those who may look into the network.",
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
    http_head_bytes: int = Field(
        65_536, ge=1024, description="Largest head of a request, all header lines together, in bytes; 431 beyond it."
    )
    http_request_line_bytes: int = Field(
        32_768, ge=1024, description="Longest address of a request, query included, in bytes; 414 beyond it."
    )
    http_headers: int = Field(100, ge=16, description="Most headers of a request; 431 beyond it.")
    http_head_s: float = Field(
        15.0, gt=0, description="Longest time in which the head of a request must be whole, in seconds; 408 beyond it."
    )
    http_silence_s: float = Field(
        30.0,
        gt=0,
        description="Longest time without a byte of a body that is being sent (408 beyond it), or in which nothing of "
        "an answer is read, in seconds.",
    )
    http_keep_alive_s: int = Field(
        5, ge=1, description="How long a connection without a request is kept open, in seconds."
    )
    http_connections: int = Field(
        4096,
        ge=16,
        description="Most connections. Where one more arrives, the one without a request for longest is closed, or "
        "the new one is refused with 429. Fewer where the system allows fewer open files.",
    )
    http_connections_per_address: int = Field(
        512, ge=1, description="The same for one client address; of IPv6 for a /64."
    )
    streams_per_person: int = Field(
        32, ge=1, description="Most streams (live pages, answers of a model) of one person; 429 beyond it."
    )
    sign_in_limit: str = Field("10/minute", description="Sign-in attempts allowed per client address.")
    shutdown_timeout_s: int = Field(10, ge=0, description="Longest wait for requests in progress when stopping.")
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        "warning", description="critical, error, warning, info or debug."
    )

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
    def _the_database_is_of_a_known_kind(self) -> Self:
        if self.database_url and not self.database_url.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
            kind = self.database_url.partition("://")[0]
            raise ValueError(
                f"SIGHTLINE_DATABASE_URL begins with {kind!r}: write sqlite+aiosqlite:///file or "
                "postgresql+asyncpg://user:password@host/database"
            )
        return self

    @model_validator(mode="after")
    def _observations_are_somewhere_known(self) -> Self:
        url = self.observations_url or ""
        if "://" in url and not re.fullmatch(r"clickhouses?://[^/?#]*[^/?#@:][^/?#@]*(/\w*)?", url):
            raise ValueError(
                f"SIGHTLINE_OBSERVATIONS_URL is {self.observations_url!r}: name a folder for the embedded engine, or "
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
            raise ValueError(f"SIGHTLINE_BUS_URL is {self.bus_url!r}: name a postgresql:// or redis:// address")
        return self

    @property
    def https(self) -> bool:
        return (self.public_url or "").startswith("https://")
