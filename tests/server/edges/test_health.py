"""What a monitor hears of the server."""

from datetime import timedelta

import pytest

from server.edges.running_site import Site
from sightline.server.runtime.clock import clock, now
from sightline.server.runtime.errors import Unavailable

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEALTH = "/api/public/health"


async def test_flags_ask_for_the_databases_and_for_recent_events(site: Site):
    assert (await site.client.get(HEALTH)).json()["status"] == "OK"
    assert (await site.client.get(HEALTH, params={"failIfDatabaseUnavailable": "true"})).status_code == 200
    quiet = await site.client.get(HEALTH, params={"failIfNoRecentEvents": "true"})
    assert (quiet.status_code, quiet.json()["error"]) == (503, "ServiceUnavailableError")
    await site.send()
    assert (await site.client.get(HEALTH, params={"failIfNoRecentEvents": "true"})).status_code == 200
    later = now() + timedelta(minutes=4)
    with clock(lambda: later):
        assert (await site.client.get(HEALTH, params={"failIfNoRecentEvents": "true"})).status_code == 503


async def test_a_database_that_does_not_answer_is_not_healthy(site: Site, monkeypatch: pytest.MonkeyPatch):
    async def silent(*_: object) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(site.app.state.services.vitals._database, "ping", silent)
    assert (await site.client.get(HEALTH, params={"failIfDatabaseUnavailable": "true"})).status_code == 503
    assert (await site.client.get(HEALTH)).status_code == 200
