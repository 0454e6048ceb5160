"""Clients of the object stores that are exported to: S3, Azure Blob, GCS."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from sightline.server.exports.records import BlobExport
from sightline.server.runtime.errors import InvalidRequest

DEFAULT_CREDENTIALS = "__GCS_DEFAULT_CREDENTIALS__"
"""In place of a GCS key: the machine's own (ambient) credentials."""


def opened(export: BlobExport, secret: str | None, *, lends: bool = False) -> Any:
    """An `obstore` store.

    With `lends` an export without a key of its own takes what the process' environment offers. Raises
    `InvalidRequest` for one that may not, and for an address of the machine's own metadata service.
    """
    if secret in (None, "", DEFAULT_CREDENTIALS) and not lends:
        raise InvalidRequest(
            "the export has no key of its own: give it accessKeyId and secretAccessKey, or let its owner "
            "set SIGHTLINE_EXPORTS_LEND_CREDENTIALS=true, for exports to use the server's own"
        )
    _check_address(export.endpoint)
    if export.kind == "AZURE_BLOB_STORAGE":
        return _azure(export, secret)
    if export.kind == "GOOGLE_CLOUD_STORAGE":
        return _google(export, secret)
    return _s3(export, secret)


def _check_address(endpoint: str | None) -> None:
    """SSRF: private networks are allowed, link-local addresses (a cloud's metadata service) are not."""
    host = urlsplit(endpoint or "").hostname
    if not host:
        return
    if any(address.is_link_local for address in _addresses(host)):
        raise InvalidRequest(f"{host} is a link-local address, where no store is: give the address of a store")


def _addresses(host: str) -> list[IPv4Address | IPv6Address]:
    try:
        return [ip_address(host)]
    except ValueError:
        pass  # A name, then.
    try:
        return [ip_address(str(place[4][0]).partition("%")[0]) for place in socket.getaddrinfo(host, None)]
    except OSError as problem:
        raise InvalidRequest(f"the store at {host} cannot be found: {problem}") from problem


def _s3(export: BlobExport, secret: str | None) -> Any:
    # obstore takes 40 ms to import, and few servers export.
    from obstore.store import S3Store

    keys: dict[str, Any] = {"access_key_id": export.access_key_id, "secret_access_key": secret} if secret else {}
    place: dict[str, Any] = {"endpoint": export.endpoint} if export.endpoint else {}
    return S3Store(
        export.bucket_name,
        region=export.region,
        virtual_hosted_style_request=not export.force_path_style,
        client_options={"allow_http": True},
        **keys,
        **place,
    )


def _azure(export: BlobExport, secret: str | None) -> Any:
    from obstore.store import AzureStore  # late, as above

    place: dict[str, Any] = {"endpoint": export.endpoint} if export.endpoint else {}
    return AzureStore(
        export.bucket_name,
        account_name=export.access_key_id,
        account_key=secret,
        client_options={"allow_http": True},
        **place,
    )


def _google(export: BlobExport, secret: str | None) -> Any:
    from obstore.store import GCSStore  # late, as above

    keys: dict[str, Any] = {} if secret in (None, DEFAULT_CREDENTIALS) else {"service_account_key": secret}
    return GCSStore(export.bucket_name, client_options={"allow_http": True}, **keys)
