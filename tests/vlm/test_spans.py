"""Every answer is one generation span with standard names, and nothing at all without a listener."""

import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from PIL import Image
from random_models import checkpoint, opt

from sightline.vlm import spans
from sightline.vlm.loaded import InputError, Loaded

STEPS = ["preprocess", "vision_encoder", "bridge", "prefill", "decode"]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Spans as they end, from a provider that only this test sees."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


@pytest.fixture
def model() -> Loaded:
    return Loaded(checkpoint(opt(), seed=3))


def picture(side: int = 40) -> Image.Image:
    return Image.fromarray(np.random.default_rng(side).integers(0, 255, (side, side, 3), dtype=np.uint8))


def generations(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == "chat random"]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_an_answer_is_one_generation_with_its_steps(model: Loaded, recorded: InMemorySpanExporter) -> None:
    answer = model.ask(picture(), "how many", looked="gradient", do_sample=True, temperature=0.7, top_p=0.9, seed=5)[0]
    (generation,) = generations(recorded)
    said = attributes(generation)
    assert said["gen_ai.operation.name"] == "chat"
    assert said["gen_ai.provider.name"] == "sightline"
    assert said["gen_ai.request.model"] == said["gen_ai.response.model"] == "random"
    assert said["gen_ai.request.temperature"] == 0.7
    assert said["gen_ai.request.top_p"] == 0.9
    assert said["gen_ai.request.seed"] == 5
    assert said["gen_ai.request.max_tokens"] == 6
    assert said["gen_ai.usage.input_tokens"] == answer.usage.input_tokens == 4 + 7  # queries, then BOS and six words
    assert said["gen_ai.usage.output_tokens"] == len(answer.tokens)
    assert 0 < said["gen_ai.response.time_to_first_chunk"] < 60
    assert json.loads(said["sightline.looked"])["method"] == "gradient"
    assert answer.trace_id == f"{generation.context.trace_id:032x}"
    assert answer.span_id == f"{generation.context.span_id:016x}"
    children = [span for span in recorded.get_finished_spans() if span.parent == generation.context]
    assert [span.name for span in children] == [*STEPS, "looked"]
    assert attributes(children[1])["sightline.patches"] == 17
    for child in children:
        assert generation.start_time <= child.start_time <= child.end_time <= generation.end_time
    assert set(answer.timings_ms) == {*STEPS, "looked"}


def test_the_messages_carry_the_image_and_the_words(model: Loaded, recorded: InMemorySpanExporter) -> None:
    answer = model.ask(picture(), "how many")[0]
    said = attributes(generations(recorded)[0])
    (message,) = json.loads(said["gen_ai.input.messages"])
    image, text = message["parts"]
    assert (message["role"], image["type"], image["modality"], image["mime_type"]) == (
        "user",
        "blob",
        "image",
        "image/png",
    )
    seen = Image.open(io.BytesIO(base64.b64decode(image["content"])))
    assert np.array_equal(np.asarray(seen), np.asarray(picture()))
    assert text == {"type": "text", "content": "how many"}
    assert json.loads(said["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": answer.text}], "finish_reason": answer.finish}
    ]


def test_answers_that_share_work_have_a_trace_each(model: Loaded, recorded: InMemorySpanExporter) -> None:
    answers = model.ask(picture(), ["how many", "red", "blue"])
    assert len({answer.trace_id for answer in answers}) == 3
    assert [attributes(span)["gen_ai.usage.output_tokens"] for span in generations(recorded)] == [
        len(answer.tokens) for answer in answers
    ]


def test_a_callers_span_becomes_the_parent(model: Loaded, recorded: InMemorySpanExporter) -> None:
    headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    with spans.continued(headers):
        answer = model.caption(picture())[0]
    assert answer.trace_id == "0af7651916cd43dd8448eb211c80319c"
    parent = generations(recorded)[0].parent
    assert parent is not None
    assert parent.span_id == 0xB7AD6B7169203331
    assert model.caption(picture())[0].trace_id != answer.trace_id


def test_what_raises_is_in_the_span(model: Loaded, recorded: InMemorySpanExporter) -> None:
    with pytest.raises(InputError, match="the language model has 128"):
        model.ask(picture(), "how many", max_new_tokens=500)
    (generation,) = generations(recorded)
    assert generation.status.status_code is StatusCode.ERROR
    assert "the language model has 128" in str(generation.status.description)
    assert attributes(generation)["error.type"] == "InputError"
    assert [event.name for event in generation.events] == ["exception"]


def test_nobody_listening_costs_no_image_and_gives_no_ids(model: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "image_part", lambda image: pytest.fail("encoded an image for nobody"))
    answer = model.caption(picture())[0]
    assert (answer.trace_id, answer.span_id) == (None, None)


def test_a_large_image_is_made_small_for_its_span() -> None:
    part = spans.image_part(picture(1600))
    body = base64.b64decode(part["content"])
    assert part["mime_type"] == "image/jpeg"
    assert len(body) <= spans.MOST_BYTES
    assert max(Image.open(io.BytesIO(body)).size) == spans.LONGEST_SIDE_PX


def test_the_sdk_is_imported_only_when_an_exporter_is_asked_for() -> None:
    program = (
        "import sys; from sightline.vlm import spans; spans.send_from_environment('x')();"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
