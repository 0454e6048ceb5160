"""What a span's attributes become: each rule of the mapping as one sentence."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from server.tracing.spans import PYTHON_4, START, export, langfuse, observed, pairs, span
from sightline.server.tracing.mapping import SdkInfo, normalised_usage, spans_to_observations
from sightline.server.tracing.records import Kind, Level, Observation, ProjectId, TraceFields


def test_a_plain_span_keeps_its_ids_name_and_times():
    plain = observed(parent_span_id=bytes.fromhex("00f067aa0ba902b7"))
    assert (plain.trace_id, plain.id, plain.parent_id) == (
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
        "00f067aa0ba902b7",
    )
    assert plain.start_time == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    assert plain.end_time is not None
    assert (plain.end_time - plain.start_time).total_seconds() == 1.5
    assert (plain.name, plain.kind, plain.level, plain.environment) == ("work", Kind.SPAN, Level.DEFAULT, "default")
    assert not plain.is_root


def test_a_mapped_span_has_the_fields_of_an_observation_and_no_others():
    mapped = langfuse({"langfuse.observation.type": "generation", "langfuse.trace.name": "n", "user.id": "u"})
    assert Observation(**vars(mapped)) == mapped
    assert TraceFields(**vars(mapped.trace)) == mapped.trace
    assert replace(mapped, name="another").name == "another"


def test_a_span_without_a_parent_is_a_root_and_so_is_one_the_sdk_marks():
    parent = bytes.fromhex("00f067aa0ba902b7")
    assert observed().is_root
    assert observed({"langfuse.internal.as_root": True}, parent_span_id=parent).is_root
    assert observed({"langfuse.internal.is_app_root": True}, parent_span_id=parent).is_root


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"langfuse.observation.type": "guardrail"}, Kind.GUARDRAIL),
        ({"langfuse.observation.type": "event", "gen_ai.operation.name": "chat"}, Kind.EVENT),
        ({"openinference.span.kind": "LLM"}, Kind.GENERATION),
        ({"openinference.span.kind": "RETRIEVER"}, Kind.RETRIEVER),
        ({"gen_ai.operation.name": "chat"}, Kind.GENERATION),
        ({"gen_ai.operation.name": "embeddings"}, Kind.EMBEDDING),
        ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "clock"}, Kind.TOOL),
        ({"gen_ai.tool.call.id": "call_1"}, Kind.TOOL),
        ({"gen_ai.request.model": "sightline-tiny"}, Kind.GENERATION),
        ({"langfuse.observation.type": "nonsense"}, Kind.SPAN),
        ({}, Kind.SPAN),
    ],
)
def test_the_kind_comes_from_the_first_convention_that_knows_it(attributes: dict[str, Any], kind: Kind):
    assert observed(attributes).kind is kind


@pytest.mark.parametrize(
    ("given", "level"), [("WARNING", Level.WARNING), ("verbose", Level.DEBUG), ("fatal", Level.ERROR)]
)
def test_levels_have_aliases(given: str, level: Level):
    assert langfuse({"langfuse.observation.level": given}).level is level


def test_an_error_status_is_an_error_with_its_message():
    failed = observed(status=Status(code=Status.STATUS_CODE_ERROR, message="no such digit"))
    assert (failed.level, failed.status_message) == (Level.ERROR, "no such digit")


def test_an_error_without_a_message_takes_the_exceptions_and_keeps_its_traceback():
    event = Span.Event(
        name="exception",
        time_unix_nano=START,
        attributes=pairs({"exception.message": "too dark", "exception.stacktrace": "line 1"}),
    )
    failed = observed(status=Status(code=Status.STATUS_CODE_ERROR), events=[event])
    assert failed.status_message == "too dark"
    assert json.loads(failed.metadata["events"])[0]["attributes"]["exception.stacktrace"] == "line 1"


def test_langfuse_attributes_fill_a_generation():
    generation = langfuse(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.input": '[{"role":"user","content":"two?"}]',
            "langfuse.observation.output": "yes",
            "langfuse.observation.model.name": "sightline-tiny",
            "langfuse.observation.model.parameters": '{"temperature":0.7,"top_p":1.0,"stop":["a","b"],"stream":true}',
            "langfuse.observation.usage_details": '{"input":5,"output":10}',
            "langfuse.observation.cost_details": '{"input":0.5,"output":0.25}',
            "langfuse.observation.completion_start_time": '"2024-05-01T10:00:00.250000Z"',
            "langfuse.observation.prompt.name": "greeting",
            "langfuse.observation.prompt.version": 3,
            "langfuse.version": "7",
            "langfuse.release": "r1",
            "langfuse.environment": "staging",
        }
    )
    assert generation.input == '[{"role":"user","content":"two?"}]'
    assert generation.output == "yes"
    assert generation.model == "sightline-tiny"
    assert generation.model_parameters == {"temperature": "0.7", "top_p": "1", "stop": '["a","b"]', "stream": "true"}
    assert generation.usage == {"input": 5, "output": 10, "total": 15}
    assert generation.cost_usd == {"input": 0.5, "output": 0.25, "total": 0.75}
    assert generation.completion_start_time == datetime(2024, 5, 1, 10, 0, 0, 250000, tzinfo=UTC)
    assert (generation.prompt_name, generation.prompt_version) == ("greeting", 3)
    assert (generation.version, generation.environment, generation.trace.release) == ("7", "staging", "r1")


def test_a_prompt_is_linked_to_generations_only():
    linked = {"langfuse.observation.prompt.name": "greeting", "langfuse.observation.prompt.version": 3}
    assert langfuse(linked | {"langfuse.observation.type": "span"}).prompt_name is None


def test_empty_text_is_no_output():
    assert langfuse({"langfuse.observation.output": ""}).output is None


@pytest.mark.parametrize(
    ("given", "usage"),
    [
        (
            {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17, "prompt_tokens_details": None},
            {"input": 10, "output": 7, "total": 17},
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 7,
                "total_tokens": 17,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            {"input": 6, "input_cached_tokens": 4, "output": 5, "output_reasoning_tokens": 2, "total": 17},
        ),
        (
            {
                "input_tokens": 9,
                "output_tokens": 3,
                "total_tokens": 12,
                "output_tokens_details": {"reasoning_tokens": 1},
            },
            {"input": 9, "output": 2, "output_reasoning_tokens": 1, "total": 12},
        ),
        ({"prompt_tokens": 4, "completion_tokens": 1}, {"prompt_tokens": 4, "completion_tokens": 1, "total": 5}),
        (
            {"prompt_tokens": 10, "completion_tokens": 20, "total": 30},
            {"prompt_tokens": 10, "completion_tokens": 20, "total": 30},
        ),
        ({"input": 1, "output": 2, "images": 3}, {"input": 1, "output": 2, "images": 3, "total": 6}),
    ],
)
def test_usage_adds_up_to_its_total(given: dict[str, Any], usage: dict[str, int]):
    assert normalised_usage(given) == usage


def test_sdk_5_metadata_is_decoded_so_that_text_and_numbers_stay_apart():
    attributes = {
        "langfuse.observation.metadata.text": '"3"',
        "langfuse.observation.metadata.number": "3",
        "langfuse.observation.metadata.nested": '{"a":[1,null]}',
    }
    metadata = langfuse(attributes).metadata
    assert {key: json.loads(metadata[key]) for key in ("text", "number", "nested")} == {
        "text": "3",
        "number": 3,
        "nested": {"a": [1, None]},
    }


def test_older_sdks_send_bare_text_which_stays_text():
    attributes = {
        "langfuse.observation.metadata.bare": "blue",
        "langfuse.observation.metadata.quoted": '"blue"',
        "langfuse.observation.metadata.json": '{"a":1}',
    }
    metadata = langfuse(attributes, sdk=PYTHON_4).metadata
    assert {key: json.loads(metadata[key]) for key in ("bare", "quoted", "json")} == {
        "bare": "blue",
        "quoted": '"blue"',
        "json": {"a": 1},
    }


def test_metadata_that_is_no_object_still_has_a_key():
    assert json.loads(langfuse({"langfuse.observation.metadata": '"whole"'}).metadata["metadata"]) == "whole"


def test_a_collector_that_drops_the_headers_leaves_the_scopes_version():
    request = export(
        span({"langfuse.observation.metadata.text": '"3"'}),
        scope="langfuse-sdk",
        resource={"telemetry.sdk.language": "python"},
    )
    request.resource_spans[0].scope_spans[0].scope.version = "5.0.4"
    [observation] = spans_to_observations(ProjectId("p"), request, SdkInfo())
    assert observation.metadata["text"] == '"3"'


def test_resource_and_scope_are_kept_in_the_metadata():
    metadata = observed(resource={"service.name": "shop", "service.version": "9"}).metadata
    assert json.loads(metadata["resourceAttributes"]) == {"service.name": "shop", "service.version": "9"}
    assert json.loads(metadata["scope"]) == {"name": "some-library", "version": "1.2", "attributes": {}}


def test_attributes_without_a_field_of_their_own_survive():
    looked = '{"method":"live","words":[]}'
    attributes = json.loads(observed({"sightline.looked": looked, "gen_ai.request.model": "m"}).metadata["attributes"])
    assert attributes == {"sightline.looked": looked}


def test_every_kind_of_attribute_value_survives():
    given = {"list": [1, 2.5, "three", True], "map": {"a": None}, "bytes": b"\x00\xff"}
    assert json.loads(observed(given).metadata["attributes"]) == {
        "list": [1, 2.5, "three", True],
        "map": {"a": None},
        "bytes": "AP8=",
    }


def test_trace_attributes_ride_on_every_span():
    trace = langfuse(
        {
            "langfuse.trace.name": "checkout",
            "user.id": "ada",
            "session.id": "s1",
            "langfuse.trace.tags": ["a", "b", "a"],
            "langfuse.trace.public": True,
            "langfuse.trace.metadata.tier": '"gold"',
        }
    ).trace
    assert (trace.name, trace.user_id, trace.session_id, trace.tags) == ("checkout", "ada", "s1", ("a", "b"))
    assert trace.public is True
    assert trace.metadata == {"tier": '"gold"'}


def test_tags_come_as_a_list_as_json_or_between_commas():
    assert observed({"langfuse.trace.tags": '["a","b"]'}).trace.tags == ("a", "b")
    assert observed({"langfuse.trace.tags": "a, b"}).trace.tags == ("a", "b")


@pytest.mark.parametrize(
    ("attributes", "resource", "environment"),
    [
        ({"langfuse.environment": "prod-1"}, {"deployment.environment.name": "other"}, "prod-1"),
        ({}, {"deployment.environment": "staging"}, "staging"),
        ({"langfuse.environment": "Not Allowed"}, {}, "not-allowed"),
        ({"langfuse.environment": "langfuse-x"}, {}, "platform-x"),
        ({"langfuse.environment": "x" * 41}, {}, "x" * 40),
    ],
)
def test_the_environment_is_the_first_name_in_the_spelling_of_all(attributes: Any, resource: Any, environment: str):
    assert observed(attributes, resource=resource).environment == environment
