"""Clients of the object stores that are exported to: S3, Azure Blob, GCS. They connect through `Outbound` only."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sightline.server.exports.records import BlobExport
from sightline.server.runtime.errors import InvalidRequest, SightlineError, Unavailable
from sightline.server.runtime.outbound import Outbound
from sightline.server.runtime.tunnel import Tunnel

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

DEFAULT_CREDENTIALS = "__GCS_DEFAULT_CREDENTIALS__"
"""In place of a GCS key: the machine's own (ambient) credentials."""
METADATA_SERVICES = "169.254.169.254,169.254.170.2,169.254.170.23,metadata.google.internal,metadata"
"""Where ambient credentials come from: reached directly, and only by an export that borrows them."""
RETRIES: "RetryConfig" = {"max_retries": 2}
"""A failed window is tried again in twenty minutes."""
STATUS = re.compile(r"status code: (\d{3})\b")
"""The HTTP status in an error of obstore, which goes on with the body of the answer."""
MEANINGS: Mapping[str, str] = {
    "301": "it is in another region, or at another address",
    "307": "it is in another region, or at another address",
    "400": "check the region, the bucket and the key",
    "401": "the key is wrong",
    "403": "the key is wrong, or may not write there",
    "404": "there is no such bucket",
}
"""What a status says to whoever configured the export."""


class StoreRefused(Unavailable):
    """The store did not take a file; the message says so without its words."""


@dataclass(frozen=True)
class Stores:
    """Opens the store of an export.

    With `lends` an export without a key of its own takes what the process' environment offers.
    """

    outbound: Outbound
    lends: bool = False

    @asynccontextmanager
    async def opened(self, export: BlobExport, secret: str | None) -> AsyncIterator[Any]:
        """An `obstore` store. InvalidRequest for one without a key that may not borrow, and for an internal address;
        StoreRefused for whatever goes wrong with it inside the block."""
        borrows = secret in (None, "", DEFAULT_CREDENTIALS)
        if borrows and not self.lends:
            raise InvalidRequest(
                "the export has no key of its own: give it accessKeyId and secretAccessKey, or let its owner "
                "set SIGHTLINE_EXPORTS_LEND_CREDENTIALS=true, for exports to use the server's own"
            )
        place = urlsplit(export.endpoint or "")
        if place.hostname:
            await self.outbound.addresses(place.hostname, place.port or (443 if place.scheme == "https" else 80))
        async with Tunnel(self.outbound) as tunnel:
            options: ClientConfig = {"allow_http": True, "proxy_url": tunnel.url}
            if borrows:
                options["proxy_excludes"] = METADATA_SERVICES
            try:
                yield _MAKERS[export.kind](export, secret, options)
            except SightlineError:
                raise
            except Exception as problem:
                if not type(problem).__module__.startswith("obstore") and not STATUS.search(str(problem)):
                    raise
                raise tunnel.refusal or StoreRefused(_sentence(str(problem))) from problem


def _sentence(problem: str) -> str:
    found = STATUS.search(problem)
    if found is None:
        return "the store does not answer, or not as a store does: check the endpoint, the region and the key"
    meaning = MEANINGS.get(found[1])
    return f"the store answered {found[1]}{f': {meaning}' if meaning else ''}"


def _s3(export: BlobExport, secret: str | None, options: "ClientConfig") -> Any:
    # obstore takes 40 ms to import, and few servers export.
    from obstore.store import S3Store

    keys: dict[str, Any] = {"access_key_id": export.access_key_id, "secret_access_key": secret} if secret else {}
    place: dict[str, Any] = {"endpoint": export.endpoint} if export.endpoint else {}
    return S3Store(
        export.bucket_name,
        region=export.region,
        virtual_hosted_style_request=not export.force_path_style,
        client_options=options,
        retry_config=RETRIES,
        **keys,
        **place,
    )


def _azure(export: BlobExport, secret: str | None, options: "ClientConfig") -> Any:
    from obstore.store import AzureStore  # late, as above

    place: dict[str, Any] = {"endpoint": export.endpoint} if export.endpoint else {}
    return AzureStore(
        export.bucket_name,
        account_name=export.access_key_id,
        account_key=secret,
        client_options=options,
        retry_config=RETRIES,
        **place,
    )


def _google(export: BlobExport, secret: str | None, options: "ClientConfig") -> Any:
    from obstore.store import GCSStore  # late, as above

    keys: dict[str, Any] = {} if secret in (None, DEFAULT_CREDENTIALS) else {"service_account_key": secret}
    return GCSStore(export.bucket_name, client_options=options, retry_config=RETRIES, **keys)


_MAKERS = {
    "S3": _s3,
    "S3_COMPATIBLE": _s3,
    "AZURE_BLOB_STORAGE": _azure,
    "GOOGLE_CLOUD_STORAGE": _google,
}
