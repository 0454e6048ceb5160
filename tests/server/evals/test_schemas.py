"""JSON Schemas as clients write them: what is checked, what is refused, what is never fetched."""

import pytest

from sightline.server.evals import schemas
from sightline.server.evals.keywords import within
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
    with pytest.raises(InvalidRequest, match=r"input \$: 1 is not of type 'string'"):
        Fit(inside, None).check(1, None)
    monkeypatch.setattr("urllib.request.urlopen", lambda *_: pytest.fail("a reference was fetched"))
    for outside in ("http://127.0.0.1:9/schema.json", "file:///etc/hostname", "#/definitions/missing"):
        with pytest.raises(InvalidRequest, match="which is not in it"):
            Fit({"$ref": outside}, None).check(1, None)


def test_a_reference_without_end_is_refused():
    with pytest.raises(InvalidRequest, match="without end"):
        Fit({"$ref": "#"}, None).check(1, None)


def test_complaints_are_few_and_short():
    schema = {"items": {"type": "string"}}
    with within(1):
        problems = Fit(schema, None).problems([["x" * 5_000]] * 50, None)
    assert len(problems) == PROBLEMS_NAMED
    assert all(len(problem) < LONGEST_PROBLEM_CHARACTERS + 50 for problem in problems)


@pytest.mark.parametrize(
    ("schema", "item"),
    [
        ({"pattern": "(a+)+$"}, "a" * 60 + "!"),
        ({"patternProperties": {"(a+)+$": {"type": "null"}}}, {"a" * 60 + "!": 1}),
        ({"patternProperties": {"(a+)+$": {}}, "additionalProperties": {"type": "number"}}, {"a" * 60 + "!": 1}),
        ({"uniqueItems": True}, [{"n": number} for number in range(20_000)]),
    ],
)
def test_no_schema_takes_long(schema: dict[str, object], item: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schemas, "LONGEST_CHECK_S", 2.0)
    if "pattern" in schema:
        with pytest.raises(InvalidRequest, match="does not match"):
            Fit(schema, None).check(item, None)
    else:
        Fit(schema, None).check(item, None)


def test_a_check_has_a_deadline(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schemas, "LONGEST_CHECK_S", 0.05)
    doubling = {f"d{level}": {"allOf": [{"$ref": f"#/definitions/d{level + 1}"}] * 2} for level in range(40)}
    schema = {"definitions": doubling | {"d40": {}}, "$ref": "#/definitions/d0"}
    with pytest.raises(InvalidRequest, match="takes too long"):
        Fit(schema, None).check(1, None)
    with pytest.raises(InvalidRequest, match="not checked together"):
        Fit({"patternProperties": {"a": {}}, "not": {"unevaluatedProperties": False}}, None)


def test_an_expression_that_cannot_be_bounded_is_refused_when_the_schema_is_set():
    for schema in ({"pattern": "(?=a)b"}, {"properties": {"x": {"patternProperties": {r"(a)\1": {}}}}}):
        with pytest.raises(InvalidRequest, match="is not a regular expression of RE2"):
            Fit(schema, None)
    Fit({"pattern": r"^\p{Lu}"}, None).check("Ärger", None)


def test_patterns_mean_what_json_schema_says():
    schema = {"patternProperties": {"^n_": {"type": "number"}}, "properties": {"id": {}}, "additionalProperties": False}
    Fit(schema, None).check({"n_a": 1, "id": "x"}, None)
    with pytest.raises(InvalidRequest, match=r"\$\.n_a: 'one' is not of type 'number'"):
        Fit(schema, None).check({"n_a": "one"}, None)
    with pytest.raises(InvalidRequest, match=r"'other' was unexpected"):
        Fit(schema, None).check({"n_a": 1, "other": 2}, None)
    for same, fits in (([1, 1.0], False), ([1, True], True), ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], False)):
        if fits:
            Fit({"uniqueItems": True}, None).check(same, None)
        else:
            with pytest.raises(InvalidRequest, match="the same"):
                Fit({"uniqueItems": True}, None).check(same, None)
