"""A program as a Langfuse user writes it: the unmodified SDK, told where to go by its environment variables.

Prints the ids it made as JSON. Run by test_langfuse_sdk.py in a process of its own.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any

from langfuse import Evaluation, Langfuse, LangfuseMedia, propagate_attributes

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def main() -> None:
    langfuse = Langfuse()
    assert langfuse.auth_check()
    image = LangfuseMedia(base64_data_uri=f"data:image/png;base64,{PIXEL}")
    with (
        langfuse.start_as_current_observation(
            name="request", input={"question": "which digit?"}, metadata={"depth": {"of": [1, None]}, "text": "3"}
        ) as root,
        propagate_attributes(
            user_id="ada",
            session_id="s-1",
            tags=["blue", "held-out"],
            trace_name="look",
            version="7",
            environment="staging",
            metadata={"tier": "gold"},
        ),
    ):
        with langfuse.start_as_current_observation(name="retrieve", as_type="retriever") as retriever:
            retriever.update(output=["a", "b"], level="WARNING", status_message="slow")
        with langfuse.start_as_current_observation(
            name="answer",
            as_type="generation",
            model="sightline-tiny",
            model_parameters={"temperature": 0.5, "max_tokens": 30, "stop": ["a", "b"]},
            input=[{"role": "user", "content": ["which digit?", image]}],
        ) as generation:
            generation.update(
                output="a red three",
                usage_details={"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
                cost_details={"input": 0.25, "output": 0.5},
                completion_start_time=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
            )
            generation.score(name="correct", value=1, data_type="BOOLEAN", comment="exactly")
        event = langfuse.create_event(name="note", input="plain text", metadata={"count": 3})
        root.set_trace_as_public()
        root.update(output={"answer": 3})
        root.score_trace(name="quality", value=0.75, metadata={"by": "hand"})
        root.score_trace(name="colour", value="red", data_type="CATEGORICAL")
    evaluated = evaluate(langfuse)
    langfuse.flush()
    ids = {"trace": root.trace_id, "root": root.id, "retriever": retriever.id, "generation": generation.id}
    sys.stdout.write(json.dumps({**ids, **evaluated, "event": event.id, "media": image._media_id}) + "\n")
    langfuse.shutdown()


def evaluate(langfuse: Langfuse) -> dict[str, str]:
    """A prompt, a dataset of one item, and an experiment over it."""
    langfuse.create_prompt(name="digits/ask", prompt="Which {{what}} is it?", labels=["production"])
    question = langfuse.get_prompt("digits/ask").compile(what="digit")
    langfuse.create_dataset(name="digits/held out", metadata={"from": "hand"})
    langfuse.create_dataset_item(dataset_name="digits/held out", input={"question": question}, expected_output="three")
    dataset = langfuse.get_dataset("digits/held out")

    def answer(*, item: Any, **_: Any) -> str:
        return "three" if item.input["question"] == "Which digit is it?" else "?"

    def exact(*, output: Any, expected_output: Any, **_: Any) -> Evaluation:
        return Evaluation(name="exact", value=float(output == expected_output))

    def mean(*, item_results: Any, **_: Any) -> Evaluation:
        values = [each.value for result in item_results for each in result.evaluations]
        return Evaluation(name="mean", value=sum(values) / len(values))

    dataset.run_experiment(
        name="look",
        run_name="look once",
        description="one pass",
        task=answer,
        evaluators=[exact],
        run_evaluators=[mean],
        metadata={"model": "tiny"},
    )
    return {"dataset": dataset.id, "item": dataset.items[0].id}


if __name__ == "__main__":
    main()
