"""A twin of `benchmarks.campaign_files`: odd pictures and tables end in a right answer or a sentence."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from benchmarks.campaign_files import check_tables, wrong
from benchmarks.odd_pictures import Picture, pictures
from benchmarks.odd_tables import tables

QUICK = [each for each in pictures() if not each.large]


@pytest.mark.parametrize("picture", QUICK, ids=lambda each: each.name)
def test_an_odd_picture_is_read_or_refused_in_words(picture: Picture) -> None:
    assert wrong(picture, picture.make()) is None


def test_an_odd_table_becomes_its_rows_or_a_sentence(tmp_path: Path) -> None:
    found: dict[str, str] = {}
    assert check_tables(tmp_path, found) >= 60
    assert not found


def test_there_are_as_many_as_was_promised() -> None:
    assert len(list(pictures())) >= 300
    assert len(list(tables())) >= 60
