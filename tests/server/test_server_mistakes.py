"""What a stranger may get wrong when starting the server: one line on stderr, exit code 2, nothing on stdout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "sightline.cli", "server", "--port", "0"]


def refused(*arguments: str, **environment: str) -> str:
    """What the server complained of."""
    told = {**os.environ, **environment}
    ran = subprocess.run([*COMMAND, *arguments], env=told, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
    [line] = ran.stderr.strip().splitlines()
    return line


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "taken").write_text("a file")
    assert refused("--data-dir", str(tmp_path / "taken")) == (
        f"error: cannot keep data in {tmp_path / 'taken'} (File exists): choose another with --data-dir"
    )


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "taken").write_text("a file")
    assert "choose another with --data-dir" in refused("--data-dir", str(tmp_path / "taken" / "data"))


@pytest.mark.parametrize("url", ["nonsense", "mysql://localhost/x", "sqlite:///x.db"])
def test_a_database_of_another_kind_is_refused(url: str, tmp_path: Path):
    line = refused("--data-dir", str(tmp_path), SIGHTLINE_DATABASE_URL=url)
    assert line.startswith("error: SIGHTLINE_DATABASE_URL begins with")
    assert "postgresql+asyncpg://user:password@host/database" in line


def test_a_store_for_media_of_another_kind_is_refused(tmp_path: Path):
    line = refused("--data-dir", str(tmp_path), SIGHTLINE_MEDIA_URL="ftp://files")
    assert line.startswith("error: SIGHTLINE_MEDIA_URL begins with 'ftp': name a folder, or a store as s3://bucket")


def test_erasing_in_a_folder_without_data_makes_none(tmp_path: Path):
    folder = tmp_path / "mistyped"
    command = [sys.executable, "-m", "sightline.cli", "erase", "--person", "ada@example.org", "--data-dir", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stderr) == (
        2,
        f"error: {folder} holds no data of a server: name its folder with --data-dir\n",
    )
    assert not folder.exists()
