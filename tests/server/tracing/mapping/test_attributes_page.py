"""The guide says which attributes are read: what the tables say, and nothing else."""

from pathlib import Path

from sightline.server.tracing.mapping import tables
from sightline.server.tracing.mapping.documented import documented, page

GUIDE = Path(__file__).parents[4] / "docs/guide/attributes.md"


def test_the_guides_page_is_what_the_tables_make():
    remedy = "run python -m sightline.server.tracing.mapping.documented > docs/guide/attributes.md"
    assert GUIDE.read_text() == page(), remedy


def test_every_row_names_a_library_a_version_and_where_it_says_so():
    for _, row in documented():
        assert row.sender.library, row.key
        assert row.sender.version, row.key
        assert row.sender.source.startswith("https://"), row.key


def test_the_page_has_every_key_of_models_sessions_and_usage():
    listed = {row.key for _, row in documented()}
    assert listed >= {*tables.MODEL_KEYS, *tables.SESSION_KEYS, *tables.USAGE_BY_ATTRIBUTE, *tables.COST_BY_ATTRIBUTE}
