"""Trace a function with the unmodified Langfuse SDK into a running `sightline server`.

Set LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY to the server's address and a project's keys.
"""

from langfuse import get_client, observe


@observe(as_type="generation")
def answer(question: str) -> str:
    langfuse = get_client()
    langfuse.update_current_generation(model="sightline-tiny", input=question, usage_details={"input": 12, "output": 1})
    return "blue"


@observe()
def main() -> None:
    print(answer("what color is the five ?"))
    get_client().score_current_trace(name="correct", value=1.0)


main()
get_client().flush()
