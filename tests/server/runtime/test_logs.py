"""What the server logs: a line an event, from the level that was asked for, without what local variables hold."""

import errno
import os
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from sightline.server.runtime import logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_a_line_has_its_event_and_its_values(capsys: pytest.CaptureFixture[str]):
    logs.configure("warning")
    structlog.get_logger().warning("an export failed", export="e1")
    shown = capsys.readouterr()
    assert ("an export failed" in shown.err, "export=e1" in shown.err, shown.out) == (True, True, "")


def test_what_is_less_than_the_level_is_not_written(capsys: pytest.CaptureFixture[str]):
    logs.configure("error")
    structlog.get_logger().warning("not so bad")
    assert capsys.readouterr().err == ""


def test_a_traceback_does_not_show_local_variables(capsys: pytest.CaptureFixture[str]):
    logs.configure("warning")
    password = "swordfish".upper()
    try:
        raise ValueError(len(password))
    except ValueError:
        structlog.get_logger().exception("signing in failed")
    shown = capsys.readouterr().err
    assert "ValueError: 9" in shown
    assert "SWORDFISH" not in shown


class Full(StringIO):
    """A stream on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), text)


def test_a_log_that_cannot_be_written_fails_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stderr", Full())
    logs.configure("warning")
    structlog.get_logger().error("the disk is full")
    with pytest.raises(OSError, match="No space left"):
        sys.stderr.write("as this line would be")
