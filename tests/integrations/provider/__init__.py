"""A model provider for tests: OpenAI's, Anthropic's and Gemini's HTTP interfaces, without a key or a surprise."""

import contextlib
import threading
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from integrations.provider import anthropic, gemini, openai, others

APP = Starlette(routes=[*openai.ROUTES, *anthropic.ROUTES, *gemini.ROUTES, *others.ROUTES])


@contextlib.contextmanager
def running_provider() -> Iterator[str]:
    """The provider in a thread, for the time of a block; gives its address, to which each client adds its own path."""
    server = uvicorn.Server(uvicorn.Config(APP, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the provider did not start"
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)
