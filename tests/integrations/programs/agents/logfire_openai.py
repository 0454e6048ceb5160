import logfire
from openai import OpenAI

logfire.configure(send_to_logfire=False, console=False, scrubbing=False)
client = OpenAI(max_retries=0)
logfire.instrument_openai(client)
messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which digits?"}]

with logfire.set_baggage(**{"user.id": "ada", "session.id": "visit-17"}), logfire.span("request"):
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages, temperature=0.2)
    print(answer.choices[0].message.content)
    options = {"include_usage": True}
    for chunk in client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, stream=True, stream_options=options
    ):
        print(chunk.choices[0].delta.content or "" if chunk.choices else "", end="")
logfire.shutdown()
