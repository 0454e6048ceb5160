"""Langfuse's own generated client, speaking to the application in process: what it cannot parse, it refuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from langfuse.api import AsyncLangfuseAPI

from server.edges.running_site import ORIGIN, Site


@asynccontextmanager
async def sdk(site: Site, public: str = "pk-lf-here", secret: str = "sk-lf-here") -> AsyncIterator[AsyncLangfuseAPI]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=site.app)) as client:
        yield AsyncLangfuseAPI(base_url=ORIGIN, username=public, password=secret, httpx_client=client)
