from langfuse import get_client, observe, propagate_attributes
from langfuse.openai import openai
from pydantic import BaseModel

client = openai.OpenAI(max_retries=0)
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Place(BaseModel):
    city: str
    digits: int


@observe(name="request")
def request(question: str) -> str:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    answer = client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, temperature=0.2, max_tokens=50, name="answer"
    )
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, stream=True, stream_options={"include_usage": True}, name="stream"
    )
    for chunk in stream:
        print(chunk.choices[0].delta.content or "" if chunk.choices else "", end="")
    client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=[WEATHER], name="tool call")
    client.chat.completions.parse(model="gpt-4o-mini", messages=messages, response_format=Place, name="structured")
    client.responses.create(model="gpt-4o-mini", instructions="Be brief.", input=question, name="response")
    client.embeddings.create(model="text-embedding-3-small", input=[question, "a map"], name="embed")
    try:
        client.chat.completions.create(model="gpt-missing", messages=messages, name="refused")
    except openai.NotFoundError as refusal:
        print(refusal.status_code)
    return answer.choices[0].message.content


with propagate_attributes(user_id="ada", session_id="visit-1", tags=["blue"], metadata={"tier": "gold"}):
    request("Which digits?")
get_client().flush()
