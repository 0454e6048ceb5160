"""Large files come once, whole and right, over connections that break and servers that cannot resume."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from file_server import FileServer, serving

from sightline.vlm.fetch import FetchError, Remote, file, files

BODY = bytes(range(256)) * 4096
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache, no one else's, and a network that may be used."""
    monkeypatch.setenv("SIGHTLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(files, "PAUSE_S", 0.001)


def beside(path: Path) -> list[str]:
    """What the cache keeps beside a file."""
    return sorted(each.name.removeprefix(path.name) for each in path.parent.iterdir() if each != path)


def test_a_file_comes_once_and_lies_under_its_url(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(FileServer(BODY)) as server:
        path = file(server.url)
        assert file(server.url) == path
    assert path.read_bytes() == BODY
    assert path.is_relative_to(tmp_path / "cache" / "files")
    assert path.parts[-2:] == ("weights", "model.pth")
    assert server.asked == [None]
    told = capsys.readouterr()
    assert "model.pth" in told.err
    assert told.out == ""


@pytest.mark.parametrize("ranges", [True, False], ids=["resumes", "cannot resume"])
def test_a_connection_that_breaks_is_taken_up_again(ranges: bool) -> None:
    with serving(FileServer(BODY, ranges=ranges, cuts=[100_000, 300_000])) as server:
        path = file(f"{server.url}#sha256={SHA}")
    assert path.read_bytes() == BODY
    later = "bytes=400000-" if ranges else "bytes=300000-"
    assert server.asked == [None, "bytes=100000-", later]


def test_a_later_run_goes_on_where_an_earlier_one_stopped() -> None:
    with serving(FileServer(BODY)) as server:
        part = Remote.of(server.url).place.with_name("model.pth.part")
        part.parent.mkdir(parents=True)
        part.write_bytes(BODY[:5000])
        path = file(server.url, SHA)
    assert path.read_bytes() == BODY
    assert server.asked == ["bytes=5000-"]
    assert not part.exists()


def test_all_that_was_missing_is_the_name() -> None:
    with serving(FileServer(BODY)) as server:
        part = Remote.of(server.url).place.with_name("model.pth.part")
        part.parent.mkdir(parents=True)
        part.write_bytes(BODY)
        assert file(server.url).read_bytes() == BODY
    assert server.asked == [f"bytes={len(BODY)}-"]


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning() -> None:
    with serving(FileServer(b"old" * 1000, cuts=[999] * files.TRIES)) as server:
        server.ranges = False
        with pytest.raises(FetchError, match="999 bytes came and are kept"):
            file(server.url)
        server.body, server.tag, server.cuts, server.ranges = BODY, '"two"', [], True
        assert file(server.url).read_bytes() == BODY


def test_a_beginning_of_another_version_is_found_out_by_the_checksum() -> None:
    with serving(FileServer(BODY)) as server:
        part = Remote.of(server.url).place.with_name("model.pth.part")
        part.parent.mkdir(parents=True)
        part.write_bytes(b"x" * 5000)
        assert file(server.url, SHA).read_bytes() == BODY
    assert server.asked == ["bytes=5000-", None]


def test_an_overloaded_server_is_asked_again() -> None:
    with serving(FileServer(BODY, statuses=[503, 429])) as server:
        assert file(server.url).read_bytes() == BODY
    assert len(server.asked) == 3


def test_wrong_bytes_are_not_kept() -> None:
    with serving(FileServer(BODY[:-1] + b"x")) as server:
        with pytest.raises(FetchError, match=f"its SHA-256 is [0-9a-f]{{64}}, {SHA} was expected"):
            file(server.url, SHA)
        assert not Remote.of(server.url).place.exists()
        assert not Remote.of(server.url).place.with_name("model.pth.part").exists()


def test_a_name_may_hold_the_first_digits_of_the_checksum() -> None:
    with serving(FileServer(BODY), f"/model-{SHA[:8]}.pth") as server:
        assert file(server.url).read_bytes() == BODY
    with (
        serving(FileServer(BODY), "/model-00000000.pth") as server,
        pytest.raises(FetchError, match="00000000 was exp"),
    ):
        file(server.url)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (FileServer(BODY, statuses=[404]), "the server answered 404"),
        (FileServer(b"<html>", kind="text/html; charset=utf-8"), "a web page came instead of a file"),
    ],
)
def test_what_cannot_be_had_is_said_with_the_way_out(server: FileServer, words: str) -> None:
    with serving(server), pytest.raises(FetchError) as told:
        file(server.url)
    assert words in str(told.value)
    assert f"put it at {Remote.of(server.url).place}" in str(told.value)
    assert len(server.asked) == 1


def test_without_a_server_the_message_names_file_url_and_place() -> None:
    with serving(FileServer(BODY)) as server:
        url = server.url
    with pytest.raises(FetchError, match=r"model\.pth is not in the cache and could not be fetched") as told:
        file(url)
    assert f"fetch {url} where there is a network and put it at {Remote.of(url).place}" in str(told.value)


@pytest.mark.parametrize("variable", ["SIGHTLINE_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_nothing_is_asked_and_what_is_cached_still_comes(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    with serving(FileServer(BODY)) as server:
        with pytest.raises(FetchError, match=f"the network is off .{variable} is set.: fetch {server.url}"):
            file(server.url)
        place = Remote.of(server.url).place
        place.parent.mkdir(parents=True)
        place.write_bytes(BODY)
        assert file(server.url, SHA) == place
    assert server.asked == []


def test_a_file_put_there_by_hand_is_checked_and_checked_again_when_it_changes() -> None:
    url = "https://weights.test/model.pth"
    place = Remote.of(url).place
    place.parent.mkdir(parents=True)
    place.write_bytes(BODY)
    assert file(url, SHA) == place
    place.write_bytes(b"other")
    with pytest.raises(FetchError, match=r"is not the file of https://weights\.test/model\.pth: its SHA-256"):
        file(url, SHA)


def test_what_torch_hub_has_is_taken_where_it_is_known_to_be_the_same(tmp_path: Path) -> None:
    place = tmp_path / "torch" / "hub" / "checkpoints" / "model.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(BODY)
    assert file("https://weights.test/LAVIS/model.pth", SHA) == place
    assert file("https://weights.test/LAVIS/model.pth", torch_hub=True) == place
    with serving(FileServer(b"another of that name")) as server:
        assert file(server.url).read_bytes() == b"another of that name"


def test_two_processes_fetch_a_file_once(tmp_path: Path) -> None:
    program = "import sys; from sightline.vlm.fetch import file; print(file(sys.argv[1]).stat().st_size)"
    with serving(FileServer(BODY * 8)) as server:
        command = [sys.executable, "-c", program, server.url]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ), text=True) for _ in range(2)]
        sizes = [each.communicate(timeout=60)[0].strip() for each in both]
    assert sizes == [str(len(BODY) * 8)] * 2
    assert server.asked == [None]


def test_a_killed_process_leaves_what_came_and_the_next_goes_on() -> None:
    program = "import sys; from sightline.vlm.fetch import file; file(sys.argv[1])"
    with serving(FileServer(BODY, cuts=[500_000], hangs=True)) as server:
        part = Remote.of(server.url).place.with_name("model.pth.part")
        first = subprocess.Popen([sys.executable, "-c", program, server.url], env=dict(os.environ))
        deadline = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        first.kill()
        first.wait()
        server.hangs = False
        come = part.stat().st_size
        assert file(server.url, SHA).read_bytes() == BODY
    assert server.asked == [None, f"bytes={come}-"]


def test_a_full_disk_and_a_forbidden_folder_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(FileServer(BODY)) as server:
        usage = files.shutil.disk_usage(tmp_path)
        monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage._replace(free=10))
        with pytest.raises(FetchError, match=r"needs 1,048,576 bytes more, 10 are free in .*SIGHTLINE_CACHE"):
            file(server.url)
        (tmp_path / "taken").write_text("a file")
        monkeypatch.setenv("SIGHTLINE_CACHE", str(tmp_path / "taken"))
        with pytest.raises(FetchError, match=r"cannot be stored at .*; name another folder in SIGHTLINE_CACHE"):
            file(server.url)


def test_a_password_in_a_url_is_in_no_message() -> None:
    with serving(FileServer(BODY, statuses=[404])) as server, pytest.raises(FetchError) as told:
        file(server.url.replace("//", "//me:secret@"))
    assert "secret" not in str(told.value)
    assert server.url in str(told.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/model.pth", "is not the URL of a file"),
        ("https://host/folder/", "is not the URL of a file"),
        ("https:///model.pth", "is not the URL of a file"),
        ("https://host/a/%2E%2E/%2e%2e/model.pth", "climbs out of its own path"),
        ("https://host/model.pth#sha256=xyz", "'xyz' is no SHA-256"),
    ],
)
def test_a_url_that_is_none_is_refused(url: str, words: str) -> None:
    with pytest.raises(FetchError, match=words):
        file(url)


def test_the_cache_is_where_the_platform_keeps_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SIGHTLINE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = Remote.of("https://host:8443/a/model.pth?version=2").place
    assert place.is_relative_to(tmp_path / "sightline" / "files" / "host_8443" / "a")
    assert place != Remote.of("https://host:8443/a/model.pth?version=3").place
    assert place.name == "model.pth"
