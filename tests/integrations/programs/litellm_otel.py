import litellm

litellm.callbacks = ["langfuse_otel"]

messages = [{"role": "user", "content": "Which digits?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def noted(name: str) -> dict[str, object]:
    return {
        "generation_name": name,
        "trace_name": "reading",
        "trace_user_id": "ada",
        "session_id": "visit-3",
        "tags": ["blue"],
        "trace_metadata": {"tier": "gold"},
    }


answer = litellm.completion(
    model="gpt-4o-mini", messages=messages, temperature=0.2, max_tokens=50, metadata=noted("answer")
)
print(answer.choices[0].message.content)

litellm.completion(model="gpt-4o-mini", messages=messages, tools=[WEATHER], metadata=noted("tool call"))

options = {"include_usage": True}
for chunk in litellm.completion(
    model="gpt-4o-mini", messages=messages, stream=True, stream_options=options, metadata=noted("stream")
):
    print(chunk.choices[0].delta.content or "" if chunk.choices else "", end="")

litellm.embedding(model="text-embedding-3-small", input=["Which digits?"], metadata=noted("embed"))

try:
    litellm.completion(model="openai/gpt-missing", messages=messages, num_retries=0, metadata=noted("refused"))
except litellm.NotFoundError as refusal:
    print(refusal.status_code)
