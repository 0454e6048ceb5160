import litellm
from langfuse import get_client

litellm.success_callback = ["langfuse"]
answer = litellm.completion(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "Which digits?"}],
    metadata={"generation_name": "answer", "trace_user_id": "ada", "session_id": "visit-3", "tags": ["blue"]},
)
print(answer.choices[0].message.content)
get_client().flush()
