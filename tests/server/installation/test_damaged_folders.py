"""What a crash or a full disk leaves in the data folder: mended at the next start, or refused in one sentence."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer import Typer
from typer.testing import CliRunner

from server.cluster import embedded_in
from server.edges.running_site import HERE, Site, opened, settings_in
from sightline.server.accounts.records import ProjectId
from sightline.server.installation.cli import doctor_app, rotate_app
from sightline.server.installation.records import FolderRefused
from sightline.server.runtime.database import Database
from sightline.server.runtime.errors import SightlineError, Unavailable
from sightline.server.runtime.secret import SecretDamaged
from sightline.server.settings import Settings
from sightline.server.tables import NewerSchema

Seeded = tuple[Settings, str]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """On the embedded engine and SQLite, whatever the stack: these are about files."""
    folder = tmp_path / "data"
    folder.mkdir()
    return settings_in(folder, embedded_in(folder))


@pytest.fixture
async def trace_id(settings: Settings) -> str:
    """A trace in a folder that was closed well."""
    async with opened(settings) as site:
        return (await site.send()).trace_id


async def reads(settings: Settings, trace_id: str) -> list[dict[str, object]]:
    """What a start on the folder logs; the trace is there."""
    site_to_be = opened(settings)
    with capture_logs() as said:
        async with site_to_be as site:
            assert (await site.get(f"/traces/{trace_id}"))["id"] == trace_id
    return said


async def reads_nothing(settings: Settings) -> list[dict[str, object]]:
    """What a start on the folder logs."""
    site_to_be = opened(settings)
    with capture_logs() as said:
        async with site_to_be:
            return said


async def refusal(settings: Settings) -> SightlineError:
    with pytest.raises(SightlineError) as refused:
        await _open(settings)
    return refused.value


async def _open(settings: Settings) -> None:
    async with opened(settings):
        pass


def one(folder: Path, pattern: str) -> Path:
    return min(folder.glob(pattern))


async def doctor(settings: Settings, *more: str) -> tuple[int, str]:
    """Exit code and what it says; in a thread, because it has an event loop of its own."""
    return await run(doctor_app, "--data-dir", str(settings.data_dir), *more)


async def run(app: Typer, *arguments: str) -> tuple[int, str]:
    ran = await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
    return ran.exit_code, ran.output


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("pattern", "harm"),
    [
        ("store/*/*/format_version.txt", emptied),
        ("store/*/*/observations.sql", cut),
        ("metadata/sightline.sql", emptied),
        ("store/*/*/scores.sql", emptied),
    ],
)
async def test_damaged_metadata_of_the_engine_is_set_aside_and_named(
    settings: Settings, trace_id: str, pattern: str, harm: Callable[[Path], None]
):
    path = one(settings.data_dir / "observations", pattern)
    harm(path)
    assert str(path) in (await doctor(settings))[1]
    said = await reads(settings, trace_id)
    assert str(path) in [line.get("path") for line in said]
    code, told = await doctor(settings)
    assert (code, "1 files that were set aside" in told) == (1, True)


@pytest.mark.parametrize("pattern", ["store/*/*/observations.sql", "metadata/sightline.sql"])
async def test_a_missing_definition_comes_back_instead_of_an_empty_table(
    settings: Settings, trace_id: str, pattern: str
):
    path = one(settings.data_dir / "observations", pattern)
    gone(path)
    await reads(settings, trace_id)
    assert path.exists()


async def test_an_unfinished_deletion_that_was_cut_off_does_not_keep_the_folder_shut(settings: Settings, trace_id: str):
    table = one(settings.data_dir / "observations", "store/*/*/format_version.txt").parent
    emptied(table / "mutation_9.txt")
    await reads(settings, trace_id)
    assert not (table / "mutation_9.txt").exists()
    assert list((settings.data_dir / "observations/set-aside").rglob("mutation_9.txt"))


async def test_a_definition_without_a_copy_is_refused_by_name(settings: Settings, trace_id: str):
    engine = settings.data_dir / "observations"
    path = one(engine, "store/*/*/observations.sql")
    emptied(path)
    one(engine, "sightline-metadata/store/*/*/observations.sql").unlink()
    refused = await refusal(settings)
    assert str(refused) == f"{path} is empty: there is no copy; bring it back from a backup"


async def test_data_that_the_engine_set_aside_is_named_in_the_log_and_by_doctor(settings: Settings, trace_id: str):
    emptied(one(settings.data_dir / "observations", "store/*/*/20*/checksums.txt"))
    said = await reads_nothing(settings)
    assert [line["parts"] for line in said if "parts" in line] == [1]
    assert "is damaged data of" in (await doctor(settings))[1]


@pytest.mark.parametrize("harm", [emptied, gone])
async def test_an_emptied_database_beside_observations_is_refused_until_somebody_wants_a_new_one(
    settings: Settings, trace_id: str, harm: Callable[[Path], None]
):
    path = settings.data_dir / "sightline.db"
    harm(path)
    refused = await refusal(settings)
    assert isinstance(refused, FolderRefused)
    assert str(path) in str(refused)
    assert "sightline doctor --new-database" in str(refused)
    assert str(path) in (await doctor(settings))[1]
    assert "a new one is in its place" in (await doctor(settings, "--new-database"))[1]
    await reads(settings, trace_id)


async def test_a_database_that_is_none_is_refused_in_a_sentence(settings: Settings, trace_id: str):
    (settings.data_dir / "sightline.db").write_bytes(b"not a database at all" * 100)
    refused = await refusal(settings)
    assert isinstance(refused, Unavailable)
    assert "file is not a database" in str(refused)


async def test_a_folder_of_a_newer_version_is_refused_before_anything_is_written(settings: Settings, trace_id: str):
    database = Database(f"sqlite+aiosqlite:///{settings.data_dir / 'sightline.db'}")
    async with database.work() as work:
        await work.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    await database.close()
    refused = await refusal(settings)
    assert isinstance(refused, NewerSchema)
    assert "9999" in str(refused)
    assert "newer version of Sightline" in (await doctor(settings))[1]


@pytest.mark.parametrize(("name", "text"), [("pepper", ""), ("pepper", "abc"), ("seal", "zz" * 32)])
async def test_a_damaged_secret_that_keys_depend_on_is_refused_by_name(
    settings: Settings, trace_id: str, name: str, text: str
):
    path = settings.data_dir / f"{name}.secret"
    path.write_text(text)
    refused = await refusal(settings)
    assert isinstance(refused, SecretDamaged)
    assert str(path) in str(refused)
    assert f"sightline rotate-secret {name}" in str(refused)


async def test_a_missing_pepper_is_not_made_anew_while_there_are_keys(settings: Settings, trace_id: str):
    gone(settings.data_dir / "pepper.secret")
    assert "rotate-secret pepper" in str(await refusal(settings))


async def test_a_damaged_signing_secret_is_made_anew(settings: Settings, trace_id: str):
    emptied(settings.data_dir / "signing.secret")
    said = await reads(settings, trace_id)
    assert "a damaged secret was made anew" in [line["event"] for line in said]


async def test_rotating_the_seal_keeps_what_was_sealed(settings: Settings, trace_id: str):
    async def put(site: Site) -> None:
        body = {"provider": "p", "adapter": "openai", "secretKey": "sk-secret"}
        answer = await site.client.put("/api/public/llm-connections", json=body, headers=HERE)
        assert answer.status_code < 300, answer.text

    async with opened(settings) as site:
        await put(site)
    before = (settings.data_dir / "seal.secret").read_text()
    assert await run(rotate_app, "seal", "--data-dir", str(settings.data_dir)) == (
        0,
        "1 stored credentials of other systems were sealed again\n",
    )
    assert (settings.data_dir / "seal.secret").read_text() != before
    async with opened(settings) as site:
        connections = site.app.state.services.llm_connections
        assert (await connections.open(ProjectId("here"), "p")).secret_key == "sk-secret"


async def test_a_new_pepper_ends_the_keys_and_says_how_many(settings: Settings, trace_id: str):
    arguments = ["pepper", "--data-dir", str(settings.data_dir)]
    code, told = await run(rotate_app, *arguments)
    assert (code, "say --yes" in told) == (2, True)
    assert (await run(rotate_app, *arguments, "--yes"))[1].startswith("2 API keys are unknown from now on")


async def test_a_folder_and_its_files_are_the_owners_alone(settings: Settings, trace_id: str):
    folder = settings.data_dir
    folder.chmod(0o755)
    (folder / "sightline.db").chmod(0o644)
    assert "can be entered or read by others (755)" in (await doctor(settings))[1]
    assert (await doctor(settings, "--mend"))[1].count("their rights were taken away") >= 2
    assert {path.stat().st_mode & 0o077 for path in (folder, folder / "sightline.db")} == {0}
    folder.chmod(0o755)
    await reads(settings, trace_id)
    assert folder.stat().st_mode & 0o077 == 0


async def test_nothing_is_wrong_in_a_folder_that_was_closed_well(settings: Settings, trace_id: str):
    await doctor(settings, "--mend")
    assert await doctor(settings) == (0, f"nothing is wrong in {settings.data_dir}\n")


@pytest.fixture
def running(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """A server on the folder, in a process of its own."""
    command = [sys.executable, "-m", "sightline.server.cli", "--port", "0", "--data-dir", str(settings.data_dir)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert "http://" in process.stdout.readline()
    yield process
    process.terminate()
    process.communicate(timeout=60)


async def test_nothing_is_mended_while_a_server_runs(settings: Settings, running: subprocess.Popen[str]):
    code, told = await doctor(settings, "--mend")
    assert (code, f"in use by process {running.pid}" in told) == (2, True)
    assert (await doctor(settings))[0] in (0, 1)
