import mlflow
from openai import OpenAI

mlflow.openai.autolog()
client = OpenAI(max_retries=0)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@mlflow.trace(span_type="TOOL")
def weather(city: str) -> str:
    return f"sunny in {city}"


@mlflow.trace(span_type="AGENT")
def forecaster(question: str) -> str:
    mlflow.get_current_active_span().set_attributes({"user.id": "ada", "session.id": "visit-16"})
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    wish = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=[WEATHER], temperature=0.2)
    call = wish.choices[0].message.tool_calls[0]
    messages += [wish.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": weather("Paris")}]
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=[WEATHER], temperature=0.2)
    return answer.choices[0].message.content


print(forecaster("Is it warm?"))
mlflow.flush_trace_async_logging()
