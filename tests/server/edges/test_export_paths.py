"""Exports to stores through Langfuse's paths, by its own client."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from langfuse.api import AsyncLangfuseAPI

from server.edges.running_site import HERE, Site, basic
from server.edges.sdk import sdk
from sightline.server.accounts.records import KeyDraft, OrganizationId

pytestmark = pytest.mark.asyncio(loop_scope="module")

LAB = ("pk-lf-lab", "sk-lf-lab")
PATH = "/api/public/integrations/blob-storage"
BODY: dict[str, Any] = {
    "projectId": "here",
    "type": "S3",
    "bucketName": "bucket",
    "region": "us-east-1",
    "accessKeyId": "key",
    "secretAccessKey": "never shown",
    "prefix": "out/",
    "exportFrequency": "daily",
    "enabled": False,
    "forcePathStyle": False,
    "fileType": "PARQUET",
    "exportMode": "FULL_HISTORY",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def key(site: Site) -> None:
    draft = KeyDraft(public_key=LAB[0], secret_key=LAB[1])
    await site.app.state.services.organizations.create_key(OrganizationId("lab"), draft)


@pytest_asyncio.fixture(loop_scope="module")
async def api(site: Site) -> AsyncIterator[AsyncLangfuseAPI]:
    async with sdk(site, *LAB) as client:
        yield client


async def put(site: Site, status: int = 200, **more: Any) -> Any:
    answer = await site.client.put(PATH, json={**BODY, **more}, headers=basic(*LAB))
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_an_export_is_made_read_and_deleted_and_keeps_its_secret(site: Site, api: AsyncLangfuseAPI):
    made = await put(site)
    assert "never shown" not in str(made)
    assert (made["compressed"], made["exportSource"]) == (True, "LEGACY_TRACES_OBSERVATIONS")
    [listed] = (await api.blob_storage_integrations.get_blob_storage_integrations()).data
    assert (listed.id, listed.bucket_name, listed.file_type, listed.next_sync_at) == (
        *(made["id"], "bucket", "PARQUET"),
        None,
    )
    status = await api.blob_storage_integrations.get_blob_storage_integration_status(made["id"])
    assert (status.sync_status, status.last_sync_at) == ("disabled", None)
    changed = await put(site, exportFrequency="hourly", enabled=True, secretAccessKey=None)
    assert (changed["id"], changed["exportFrequency"]) == (made["id"], "hourly")
    status = await api.blob_storage_integrations.get_blob_storage_integration_status(made["id"])
    assert status.sync_status == "idle"
    gone = await api.blob_storage_integrations.delete_blob_storage_integration(made["id"])
    assert "deleted" in gone.message
    assert (await api.blob_storage_integrations.get_blob_storage_integrations()).data == []


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"type": "S3_COMPATIBLE"}, 400),
        ({"endpoint": "ftp://there"}, 400),
        ({"prefix": "no-slash"}, 400),
        ({"exportMode": "FROM_CUSTOM_DATE"}, 400),
        ({"exportMode": "FROM_CUSTOM_DATE", "exportStartDate": "2999-01-01T00:00:00Z"}, 400),
        ({"exportFieldGroups": ["core"]}, 400),
        ({"exportFieldGroups": ["io"], "exportSource": "OBSERVATIONS_V2"}, 400),
        ({"region": "-"}, 400),
        ({"projectId": "elsewhere"}, 404),
    ],
)
async def test_what_makes_no_sense_is_refused(site: Site, more: dict[str, Any], status: int):
    assert (await put(site, status, **more))["message"]


async def test_a_projects_key_may_not(site: Site):
    assert (await site.client.get(PATH, headers=HERE)).status_code == 403
