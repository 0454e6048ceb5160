"""Everything that keeps data is in the table of what goes with what: tables, columns, folders."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Table

from server.cluster import Place as Stack
from server.edges.running_site import opened, settings_in
from server.upkeep.marking import marked_trace
from sightline.server.tables.every import MODULES, metadata
from sightline.server.tables.observations import ANALYTICS_TABLES
from sightline.server.upkeep import documented
from sightline.server.upkeep.belongings import ANALYTICS, FOLDER, NAMES_NOTHING, PLACES, RELATIONAL
from sightline.server.upkeep.records import How, Thing

GUIDE = Path(__file__).parents[3] / "docs/guide/deletion.md"
HOW_TO = "say in upkeep/belongings.py what becomes of it in each deletion"
NAMING = re.compile(r"(^|_)(id|ids|by|email|sha256_base64|author\w*|user\w*|actor\w*|person\w*)$")
"""Columns that look like the name of an object or of a person."""
OWN = ("id", "token_hash", "public_key", "sha256_base64")
"""A row's own name: nothing goes with it but what says so."""


def analytics() -> dict[str, list[str]]:
    """The columns of each table of the analytics engine."""
    found = {}
    for statement in ANALYTICS_TABLES:
        name = re.search(r"EXISTS (\w+) \(", statement)
        assert name
        found[name[1]] = re.findall(r"^    (\w+) (?=[A-Z])(?!TYPE)", statement, re.MULTILINE)
    return {name: [each for each in columns if each != "INDEX"] for name, columns in found.items()}


def test_every_table_says_what_becomes_of_it():
    names = {place.name for place in RELATIONAL}
    assert names == {*metadata.tables, "alembic_version"}, HOW_TO
    assert {place.name for place in ANALYTICS} == set(analytics()), HOW_TO


def test_every_module_of_tables_is_known():
    folder = Path(MODULES[0].__file__ or "").parent
    modules = {path.stem for path in folder.glob("*.py")} - {
        "__init__",
        "every",
        "metadata",
        "migration",
        "observations",
    }
    assert {module.__name__.rpartition(".")[2] for module in MODULES} == modules


def test_every_column_that_names_an_object_says_what_becomes_of_it():
    columns = {f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.c}
    columns |= {f"{name}.{column}" for name, names in analytics().items() for column in names}
    naming = {each for each in columns if NAMING.search(each.partition(".")[2])}
    own = {f"{table.name}.{name}" for table in metadata.tables.values() for name in OWN if name in table.c}
    tied = {f"{place.name}.{tie.by}" for place in PLACES for tie in place.ties}
    known = tied | own | set(NAMES_NOTHING) | {"users.email"}
    assert naming - known == set(), HOW_TO
    assert set(NAMES_NOTHING) - columns == set()


@pytest.mark.parametrize(
    ("thing", "names"),
    [
        (Thing.PERSON, ("user_id", "author_user_id", "created_by", "actor_user_id")),
        (Thing.TRACE, ("trace_id", "source_trace_id", "object_id")),
        (Thing.SESSION, ("session_id",)),
        (Thing.ORGANIZATION, ("organization_id",)),
    ],
)
def test_every_column_of_a_name_goes_with_the_object_of_that_name(thing: Thing, names: tuple[str, ...]):
    columns = {(table.name, column.name) for table in metadata.tables.values() for column in table.c}
    columns |= {(name, column) for name, of in analytics().items() for column in of}
    tied = {(place.name, tie.by) for place in PLACES for tie in place.ties if tie.thing is thing}
    named = {(table, column) for table, column in columns if column in names}
    assert {f"{table}.{column}" for table, column in named - tied} <= set(NAMES_NOTHING), HOW_TO


def test_what_is_tied_by_a_column_has_that_column():
    for place in RELATIONAL:
        for tie in place.ties:
            assert tie.by in metadata.tables[place.name].c
            assert set(tie.when) <= set(metadata.tables[place.name].c.keys())
    for place in ANALYTICS:
        assert {tie.by for tie in place.ties} <= set(analytics()[place.name])


def test_whatever_has_a_project_goes_with_it():
    for table in metadata.tables.values():
        if "project_id" in table.c:
            [place] = [place for place in RELATIONAL if place.name == table.name]
            assert any(tie.thing is Thing.PROJECT for tie in place.ties), (table.name, HOW_TO)
    for name, columns in analytics().items():
        [place] = [place for place in ANALYTICS if place.name == name]
        assert any(tie.thing is Thing.PROJECT for tie in place.ties) == ("project_id" in columns), (name, HOW_TO)


@pytest.mark.parametrize("root", ["projects", "organizations", "users"])
def test_what_is_said_to_cascade_does(root: str):
    thing = {"projects": Thing.PROJECT, "organizations": Thing.ORGANIZATION, "users": Thing.PERSON}[root]
    for place in RELATIONAL:
        for tie in place.ties:
            if tie.thing is thing and tie.how is How.CASCADE:
                assert cascades(metadata.tables[place.name], tie.by), (place.name, tie.by)


def cascades(table: Table, column: str) -> bool:
    """Whether a foreign key over the column deletes the row."""
    keys = [key for key in table.foreign_key_constraints if key.ondelete == "CASCADE"]
    return any(column in key.column_keys for key in keys)


async def test_every_entry_of_the_data_folder_is_known(tmp_path: Path, new_place: Callable[[Path], Stack]):
    folder = tmp_path / "data"
    folder.mkdir()
    settings = settings_in(folder, new_place(folder))
    async with opened(settings) as site:
        await marked_trace(site, "something")
        body = b"[" + b'{"a": 1},' * 600_000
        await site.client.post("/api/public/ingestion", content=body)
        entries = {path.name for path in folder.iterdir()}
    assert entries <= {place.name for place in FOLDER}, HOW_TO


def test_the_guide_says_what_the_table_says():
    command = "run python -m sightline.server.upkeep.documented > docs/guide/deletion.md"
    assert GUIDE.read_text(encoding="utf-8") == documented.text(), command


def test_the_guide_names_every_object():
    assert set(documented.ORDER) == set(Thing)
