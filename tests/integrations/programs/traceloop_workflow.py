from openai import NotFoundError, OpenAI
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import agent, task, tool, workflow

Traceloop.init(app_name="forecasts")
client = OpenAI(max_retries=0)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@tool(name="weather")
def weather(city: str) -> str:
    return f"sunny in {city}"


@task(name="embed")
def embed(question: str) -> int:
    return len(client.embeddings.create(model="text-embedding-3-small", input=question).data[0].embedding)


@agent(name="forecaster")
def forecaster(question: str) -> str:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    wish = client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, tools=[WEATHER], temperature=0.2, max_tokens=50
    )
    call = wish.choices[0].message.tool_calls[0]
    messages += [wish.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": weather("Paris")}]
    options = {"include_usage": True}
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, tools=[WEATHER], stream=True, stream_options=options
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@workflow(name="forecast")
def forecast(question: str) -> str:
    Traceloop.set_association_properties({"user_id": "ada", "session_id": "visit-7"})
    embed(question)
    answer = forecaster(question)
    try:
        client.chat.completions.create(model="gpt-missing", messages=[{"role": "user", "content": question}])
    except NotFoundError as refusal:
        print(refusal.status_code)
    return answer


print(forecast("Is it warm?"))
