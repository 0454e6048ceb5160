"""JSON Schemas as clients write them: what is checked, what is refused, what is never fetched."""

import pytest

from sightline.server.evals.schemas import LONGEST_PROBLEM_CHARACTERS, PROBLEMS_NAMED, Fit
from sightline.server.runtime.errors import InvalidRequest


def test_without_schemas_everything_fits():
    Fit(None, None).check({"any": ["thing"]}, None)


def test_what_is_not_a_schema_is_refused_with_the_field():
    with pytest.raises(InvalidRequest, match=r"inputSchema is not a JSON Schema: \$\.type: 'objekt'"):
        Fit({"type": "objekt"}, None)
    with pytest.raises(InvalidRequest, match="expectedOutputSchema"):
        Fit(None, {"required": "text"})


def test_the_draft_a_schema_names_is_the_one_it_is_read_as():
    schema = {"prefixItems": [{"type": "string"}]}
    Fit(schema, None).check([1], None)
    with pytest.raises(InvalidRequest, match=r"\$\[0\]: 1 is not of type 'string'"):
        Fit(schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"}, None).check([1], None)


def test_references_stay_inside_the_schema(monkeypatch: pytest.MonkeyPatch):
    inside = {"$ref": "#/definitions/word", "definitions": {"word": {"type": "string"}}}
    assert Fit(inside, None).problems(1, None) == ["input $: 1 is not of type 'string'"]
    monkeypatch.setattr("urllib.request.urlopen", lambda *_: pytest.fail("a reference was fetched"))
    for outside in ("http://127.0.0.1:9/schema.json", "file:///etc/hostname", "#/definitions/missing"):
        with pytest.raises(InvalidRequest, match="which is not in it"):
            Fit({"$ref": outside}, None).check(1, None)


def test_a_reference_without_end_is_refused():
    with pytest.raises(InvalidRequest, match="without end"):
        Fit({"$ref": "#"}, None).check(1, None)


def test_complaints_are_few_and_short():
    schema = {"items": {"type": "string"}}
    problems = Fit(schema, None).problems([["x" * 5_000]] * 50, None)
    assert len(problems) == PROBLEMS_NAMED
    assert all(len(problem) < LONGEST_PROBLEM_CHARACTERS + 50 for problem in problems)
