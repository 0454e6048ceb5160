"""`sightline server` as a process: what it prints, what it refuses, how it stops."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

from sightline.server.settings import Settings

COMMAND = [sys.executable, "-m", "sightline.server.cli"]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "--data-dir", str(folder), *arguments],
        env={**os.environ, "SIGHTLINE_SHUTDOWN_TIMEOUT_S": "20"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def refused(*arguments: str, **environment: str) -> str:
    ran = subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 2, ran.stderr
    [line] = ran.stderr.strip().splitlines()
    return line


def test_a_start_prints_the_address_a_link_and_the_first_time_a_key_pair(tmp_path: Path):
    first = start(tmp_path, "--port", "0")
    address_line, link_line, _, _, public_line, secret_line = lines(first, 6)
    address = re.search(r"http://127\.0\.0\.1:\d+", address_line)
    assert address
    public, secret = public_line.partition("=")[2], secret_line.partition("=")[2]
    answer = httpx2.get(f"{address.group()}/api/public/projects", auth=(public, secret))
    assert answer.status_code == 200
    token = link_line.partition("#token=")[2]
    signed_in = httpx2.post(f"{address.group()}/api/web/session", json={"token": token})
    assert signed_in.json()["projects"][0]["role"] == "OWNER"

    held = refused("--port", "0", "--data-dir", str(tmp_path))
    assert f"in use by process {first.pid}" in held

    cookies = {"sightline_session": signed_in.cookies["sightline_session"]}
    project = signed_in.json()["projects"][0]["id"]
    live_ended = threading.Event()

    def listen() -> None:
        with httpx2.stream("GET", f"{address.group()}/api/web/projects/{project}/live", cookies=cookies) as stream:
            for _ in stream.iter_bytes():
                listening.set()
        live_ended.set()

    listening = threading.Event()
    listener = threading.Thread(target=listen)
    listener.start()
    assert listening.wait(60)
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    listener.join(60)
    assert live_ended.is_set()
    rest = first.communicate()
    assert rest == ("", "")

    second = start(tmp_path, "--port", "0")
    again = lines(second, 2)
    second.send_signal(signal.SIGINT)
    said, wrong = second.communicate(timeout=60)
    assert (second.returncode, said, wrong) == (0, "", "")
    assert "#token=" in again[1]


def test_every_knob_is_listed_with_its_help():
    ran = subprocess.run([*COMMAND, "--settings"], capture_output=True, text=True, timeout=120, check=True)
    for name, field in Settings.model_fields.items():
        assert f"SIGHTLINE_{name.upper()}" in ran.stdout
        assert field.description
        assert field.description in ran.stdout


def test_a_port_in_use_is_one_clear_line(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused("--port", str(port), "--data-dir", str(tmp_path))
    assert line == (
        f"error: cannot listen on 127.0.0.1:{port} (Address already in use): choose another with --port or --host"
    )


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SIGHTLINE_PORT": "many"}, "port: Input should be a valid integer"),
        ({"SIGHTLINE_INIT_PROJECT_PUBLIC_KEY": "pk-lf-1"}, "go together"),
        ({"SIGHTLINE_OBSERVATIONS_URL": "mysql://host/db"}, "name a folder"),
        (
            {"SIGHTLINE_OBSERVATIONS_URL": "clickhouse://u:pw-kept@127.0.0.1:81 23/db"},
            "its host or port cannot be read",
        ),
        ({"SIGHTLINE_OBSERVATIONS_URL": "clickhouse://u:pw-kept@127.0.0.1:99999/db"}, "its host or port cannot be"),
        ({"SIGHTLINE_OBSERVATIONS_URL": "clickhouse://u:pw-kept@127.0.0.1/1db"}, "name a folder"),
        ({"SIGHTLINE_DATABASE_URL": "postgresql+asyncpg://u:pw-kept@127.0.0.1:54 32/db"}, "its host or port cannot be"),
        ({"SIGHTLINE_DATABASE_URL": "u:pw-kept@127.0.0.1/db"}, "begins with '…@127.0.0.1/db'"),
        ({"SIGHTLINE_BUS_URL": "amqp://u:pw-kept@127.0.0.1/db"}, "'amqp://…@127.0.0.1/db'"),
        ({"SIGHTLINE_MEDIA_URL": "https://u:pw-kept@127.0.0.1:1 2/db"}, "its host or port cannot be read"),
        ({"SIGHTLINE_MODEL_ENDPOINT_URL": "http://u:pw-kept@127.0.0.1:1 2/v1"}, "its host or port cannot be read"),
        ({"SIGHTLINE_SIGN_IN_LIMIT": "often"}, "write a number per time"),
        ({"SIGHTLINE_MIN_FREE_BYTES": "1000"}, "less than the largest batch"),
        ({"SIGHTLINE_SECRET": "pw-kept"}, "at least 32"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, environment: dict[str, str], said: str):
    line = refused("--data-dir", str(tmp_path), **environment)
    assert said in line
    assert "pw-kept" not in line
