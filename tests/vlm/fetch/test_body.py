"""A small body is read within bounds, or refused in words."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from file_server import FileServer, serving

from sightline.vlm.data.images import ImageError, ImageTooLargeError, read
from sightline.vlm.fetch import FetchError, TooLargeError, body


def test_a_body_comes_whole() -> None:
    with serving(FileServer(b"hello")) as server:
        assert body(server.url, 5) == b"hello"


def test_a_body_that_is_announced_too_large_is_not_read() -> None:
    with serving(FileServer(b"hello")) as server, pytest.raises(TooLargeError, match="5 bytes, the limit is 4"):
        body(server.url, 4)


@contextmanager
def dripping(head: bytes, drop: bytes, pause_s: float) -> Iterator[str]:
    """A server that never ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(head)
                try:
                    while True:
                        connection.sendall(drop)
                        time.sleep(pause_s)
                except OSError:
                    return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/picture.png"
        thread.join(timeout=10)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"


def test_a_body_without_an_end_is_cut_at_the_limit() -> None:
    with dripping(HEAD, b"x" * 4096, 0) as url, pytest.raises(TooLargeError, match="more than 100,000 bytes"):
        body(url, 100_000)


def test_a_server_that_drips_is_left_after_the_time_given() -> None:
    with dripping(HEAD, b"x", 0.01) as url, pytest.raises(FetchError, match=r"not complete after 0\.2 s"):
        body(url, 100_000, within_s=0.2)


def test_offline_no_image_is_fetched_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_OFFLINE", "1")
    server = FileServer(b"hello")
    with serving(server), pytest.raises(ImageError, match=r"cannot fetch .* the network is off \(SIGHTLINE_OFFLINE is"):
        read(server.url)
    assert server.asked == []


def test_an_image_that_is_too_large_is_of_that_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.vlm.data.images.MAX_BYTES", 4)
    with serving(FileServer(b"hello")) as server, pytest.raises(ImageTooLargeError, match="the limit is 4"):
        read(server.url)
