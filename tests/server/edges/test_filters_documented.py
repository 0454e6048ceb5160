"""The guide and the page's filter bar know the fields that the tables have, and nothing else."""

import json
from pathlib import Path

import pytest

from sightline.server.edges.filters_documented import SUBJECTS, UNITS, Subject, constant, example, page
from sightline.server.edges.langfuse.prompts.filters import prompt_conditions
from sightline.server.prompts.fields import PROMPT_FIELDS
from sightline.server.questions import conditions_of

ROOT = Path(__file__).parents[3]
COMMAND = "run python -m sightline.server.edges.filters_documented"


def test_the_guides_page_is_what_the_tables_make():
    remedy = f"{COMMAND} guide > docs/guide/filters.md"
    assert (ROOT / "docs/guide/filters.md").read_text() == page(), remedy


def test_the_filter_bar_knows_the_fields_of_the_tables():
    remedy = f"{COMMAND} typescript > web/src/api/fields.ts"
    assert (ROOT / "web/src/api/fields.ts").read_text() == constant(), remedy


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_every_example_is_a_condition_that_its_subject_takes(subject: Subject):
    for column in subject.fields:
        [condition] = conditions_of([example(subject, column)], subject.fields)
        assert condition.type in subject.types, column


def test_prompts_take_their_examples():
    [prompts] = [subject for subject in SUBJECTS if subject.fields is PROMPT_FIELDS]
    written = json.dumps([example(prompts, column) for column in PROMPT_FIELDS])
    assert len(prompt_conditions(written)) == len(PROMPT_FIELDS)


def test_every_unit_is_that_of_a_number():
    known = {column: field.kind for subject in SUBJECTS for column, field in subject.fields.items()}
    assert {known[column] for column in UNITS} == {"number"}
