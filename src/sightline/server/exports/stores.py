"""Opening the stores that are exported to."""

from typing import Any

from sightline.server.exports.records import BlobExport

DEFAULT_CREDENTIALS = "__GCS_DEFAULT_CREDENTIALS__"
"""In place of a key of Google's store: what the machine itself may do."""


def opened(export: BlobExport, secret: str | None) -> Any:
    """An `obstore` store. Without a key of its own it takes what the process' environment offers."""
    if export.kind == "AZURE_BLOB_STORAGE":
        return _azure(export, secret)
    if export.kind == "GOOGLE_CLOUD_STORAGE":
        return _google(export, secret)
    return _s3(export, secret)


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
