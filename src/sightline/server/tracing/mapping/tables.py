"""Which span attribute means what: the whole mapping as data. First key present wins, in the order written.

Sources: the OpenTelemetry gen_ai semantic conventions, OpenInference, and what the libraries named here write.
"""

from sightline.server.tracing.mapping.kind_tables import KIND_TABLES
from sightline.server.tracing.mapping.usage_tables import (
    COST_BY_ATTRIBUTE,
    COST_DETAILS,
    USAGE_BY_ATTRIBUTE,
    USAGE_DETAILS,
)
from sightline.server.tracing.records import Level

LLAMA_INDEX_SCOPE = "openinference.instrumentation.llama_index"
LLAMA_INDEX_CALL_KEYS = ("llm.input_messages.0.message.role", "llm.prompts")
"""LlamaIndex's methods around a call are LLM spans too; only the call itself has one of these."""

MLFLOW_MARK = "mlflow.spanType"
"""On every span of MLflow, whose attributes are all JSON text: words come in quotes."""

TOOL_KEYS = ("gen_ai.tool.name", "gen_ai.tool.call.id", "tool.name")
"""Attributes whose presence makes a TOOL."""

MODEL_KEYS = (
    "langfuse.observation.model.name",
    "gen_ai.response.model",
    "ai.model.id",
    "gen_ai.request.model",
    "llm.response.model",
    "llm.model_name",
    "embedding.model_name",
    "model",
)
"""Attributes of the model's name."""

CALL_ID_KEYS = ("gen_ai.response.id", "ai.response.id", "llm.response.id")
"""The provider's id of a response."""
ANSWER_SCOPES = ("openinference.",)
ANSWER_IDS = ("msg_", "chatcmpl-", "resp_")
"""OpenInference keeps the id only in the provider's answer, its `output.value`, and these are how one begins."""

WRAPPING_NAMES = {"livekit-agents": frozenset(("llm_node", "llm_request_run"))}
"""Of a scope the spans that name a model and are no call of it: the call is inside or around them."""

ERROR_KEYS = ("error.message", "exception.message", "error.type", "exception.type")
"""What a failure is called where its status says nothing."""

LEVELS = {
    "trace": Level.DEBUG,
    "verbose": Level.DEBUG,
    "debug": Level.DEBUG,
    "default": Level.DEFAULT,
    "info": Level.DEFAULT,
    "log": Level.DEFAULT,
    "notice": Level.DEFAULT,
    "ok": Level.DEFAULT,
    "warn": Level.WARNING,
    "warning": Level.WARNING,
    "error": Level.ERROR,
    "fatal": Level.ERROR,
    "critical": Level.ERROR,
}
"""Spellings of a level."""

NAME_KEYS = ("gen_ai.tool.name", "tool.name", "genkit:name", "logfire.msg", "ai.toolCall.name", "ai.operationId")
SESSION_KEYS = (
    "langfuse.session.id",
    "session.id",
    "gen_ai.conversation.id",
    "ai.telemetry.metadata.sessionId",
    "ai.settings.context.sessionId",
    "mlflow.trace.session",
    "traceloop.association.properties.session_id",
    "gen_ai.session.id",
    "lmnr.association.properties.session_id",
    "respan.sessions.session_identifier",
    "respan.threads.thread_identifier",
)
"""Attributes of the session id."""
USER_KEYS = (
    "langfuse.user.id",
    "user.id",
    "enduser.id",
    "ai.telemetry.metadata.userId",
    "ai.settings.context.userId",
    "mlflow.trace.user",
    "traceloop.association.properties.user_id",
    "gen_ai.user.id",
    "lmnr.association.properties.user_id",
    "respan.customer_params.customer_identifier",
)
"""Attributes of the user id."""
TAG_KEYS = ("langfuse.trace.tags", "tag.tags", "ai.telemetry.metadata.tags", "ai.settings.context.tags")
ENVIRONMENT_KEYS = ("langfuse.environment", "deployment.environment.name", "deployment.environment")
RELEASE_KEYS = ("langfuse.release",)
VERSION_KEYS = ("langfuse.version",)
ROOT_KEYS = ("langfuse.internal.as_root", "langfuse.internal.is_app_root")
"""Attributes that mark the application's root span."""

TRACE_PREFIX = "langfuse.trace."
TRACE_METADATA = f"{TRACE_PREFIX}metadata"
OBSERVATION_METADATA = "langfuse.observation.metadata"
OWN_METADATA = "metadata"
"""OpenInference's one object."""

FOREIGN_PREFIXES = (
    "ai.telemetry.metadata.",
    "ai.settings.context.",
    "traceloop.association.properties.",
    "lmnr.association.properties.metadata.",
)
"""Where other libraries put what their users call metadata, a key each."""

AI_SDK_INPUTS = ("ai.prompt.messages", "ai.prompt", "ai.toolCall.args", "ai.value")
AI_SDK_TEXTS = ("ai.response.text", "ai.result.text")
AI_SDK_TOOL_CALLS = ("ai.response.toolCalls", "ai.result.toolCalls")
AI_SDK_OUTPUTS = ("ai.response.object", "ai.result.object", "ai.toolCall.result")

FIRST_INPUTS = ("langfuse.observation.input", "genkit:input")
FIRST_OUTPUTS = ("langfuse.observation.output", "genkit:output")
INPUT_KEYS = (
    "gen_ai.retrieval.query.text",
    "gcp.vertex.agent.llm_request",
    "gcp.vertex.agent.tool_call_args",
    "lk.user_input",
    "lk.function_tool.arguments",
    "mlflow.spanInputs",
    "traceloop.entity.input",
    "lmnr.span.input",
    "agentops.entity.input",
    "traceroot.span.input",
    "input.value",
    "input",
)
"""Attributes of an input."""
OUTPUT_KEYS = (
    "gen_ai.retrieval.documents",
    "gcp.vertex.agent.llm_response",
    "gcp.vertex.agent.tool_response",
    "lk.response.text",
    "lk.function_tool.output",
    "mlflow.spanOutputs",
    "traceloop.entity.output",
    "lmnr.span.output",
    "agentops.entity.output",
    "traceroot.span.output",
    "output.value",
    "output",
    "final_result",
)
"""Attributes of an output."""
PYDANTIC_AI_MESSAGES = ("pydantic_ai.all_messages", "all_messages_events")
PYDANTIC_AI_NEW_MESSAGE = "pydantic_ai.new_message_index"

MODEL_INPUTS = ("llm.input_messages", "gen_ai.input.messages")
MODEL_OUTPUTS = ("llm.output_messages", "gen_ai.output.messages")
MODEL_MARKS = {"openinference.span.kind": "LLM", "gen_ai.span.kind": "LLM"}
"""OpenInference's and traceAI's messages of a model call. They go before its `input.value`, which is the raw request
or, from LangChain and LlamaIndex, the text of Python objects."""

INDEXED_INPUTS = ("gen_ai.prompt", "llm.input_messages", "gen_ai.input.messages")
INDEXED_OUTPUTS = ("gen_ai.completion", "llm.output_messages", "gen_ai.output.messages")

DOCUMENTS = ("retrieval.documents", "reranker.output_documents")
"""OpenInference's, where a retriever has no `output.value`."""

INPUT_EVENTS = (
    "gen_ai.system.message",
    "gen_ai.user.message",
    "gen_ai.assistant.message",
    "gen_ai.tool.message",
    "gen_ai.content.prompt",
)
"""Span events with a message of the input."""
OUTPUT_EVENTS = ("gen_ai.choice", "gen_ai.content.completion")
"""Span events with a message of the output."""
MESSAGE_EVENTS = {name: name.split(".")[1] for name in INPUT_EVENTS} | dict.fromkeys(OUTPUT_EVENTS, "assistant")
"""Event name to the role of its message."""

DETAILS_EVENT = "gen_ai.client.inference.operation.details"
"""The event that carries `gen_ai.input.messages` and its like where they are not on the span."""

MESSAGE_INPUTS = ("gen_ai.input.messages",)
MESSAGE_OUTPUTS = ("gen_ai.output.messages",)
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
TOOL_INPUTS = ("gen_ai.tool.call.arguments", "tool_arguments")
TOOL_OUTPUTS = ("gen_ai.tool.call.result", "tool_response")
RAW_INPUT = "request_data"
RAW_OUTPUT = "response_data"
"""Logfire's record of a request: all there is from its older releases, options without messages from its newer."""

PARAMETERS = "langfuse.observation.model.parameters"
PARAMETER_PREFIX = "gen_ai.request."
INVOCATION_PARAMETERS = ("llm.invocation_parameters", "gen_ai.request.parameters")
"""OpenInference's and traceAI's: one JSON object, with the model that was asked for."""

COMPLETION_START = "langfuse.observation.completion_start_time"
FIRST_TOKEN_DELAYS_S = {
    "gen_ai.server.time_to_first_token": 1.0,
    "gen_ai.response.time_to_first_chunk": 1.0,
    "gen_ai.client.operation.time_to_first_chunk": 1.0,
    "ai.response.msToFirstChunk": 0.001,
}
"""Attribute to the factor that makes it seconds after the span's start, by its documentation."""

FIRST_TOKEN_EVENTS = ("First Token Stream Event", "gen_ai.content.completion.chunk", "ai.stream.firstChunk")
"""Span events of streams; the first such marks the first token."""

EXPERIMENT_PREFIX = "langfuse.experiment."
EXPERIMENT_FIELDS = {
    "name": "name",
    "description": "description",
    "metadata": "metadata",
    "dataset_id": "dataset.id",
    "item_id": "item.id",
    "item_version": "item.version",
    "expected_output": "item.expected_output",
    "item_metadata": "item.metadata",
    "root_id": "item.root_observation_id",
}
"""Field of `ExperimentFields` to its attribute below the prefix."""

PROMPT_NAME = "langfuse.observation.prompt.name"
PROMPT_VERSION = "langfuse.observation.prompt.version"
PROMPT_OBJECT = "ai.telemetry.metadata.langfusePrompt"
"""JSON with the name and the version of a prompt."""

CONSUMED = frozenset(
    (
        *(key for key, _, _ in KIND_TABLES),
        *MODEL_KEYS,
        *CALL_ID_KEYS,
        *SESSION_KEYS,
        *USER_KEYS,
        *TAG_KEYS,
        *ENVIRONMENT_KEYS,
        *RELEASE_KEYS,
        *VERSION_KEYS,
        *ROOT_KEYS,
        *FIRST_INPUTS,
        *FIRST_OUTPUTS,
        *INPUT_KEYS,
        *OUTPUT_KEYS,
        *AI_SDK_INPUTS,
        *AI_SDK_TEXTS,
        *AI_SDK_TOOL_CALLS,
        *AI_SDK_OUTPUTS,
        "ai.values",
        OWN_METADATA,
        *MESSAGE_INPUTS,
        *MESSAGE_OUTPUTS,
        SYSTEM_INSTRUCTIONS,
        *TOOL_INPUTS,
        *TOOL_OUTPUTS,
        *USAGE_BY_ATTRIBUTE,
        *COST_BY_ATTRIBUTE,
        PARAMETERS,
        *INVOCATION_PARAMETERS,
        *USAGE_DETAILS,
        *COST_DETAILS,
        COMPLETION_START,
        PROMPT_NAME,
        PROMPT_VERSION,
        PROMPT_OBJECT,
        TRACE_METADATA,
        OBSERVATION_METADATA,
        "langfuse.observation.level",
        "langfuse.observation.status_message",
        "langfuse.trace.name",
        "langfuse.trace.public",
        "langfuse.trace.input",
        "langfuse.trace.output",
        "langfuse.release",
    )
)
"""Attributes that end up in a field of their own."""
CONSUMED_PREFIXES = (
    f"{TRACE_METADATA}.",
    f"{OBSERVATION_METADATA}.",
    EXPERIMENT_PREFIX,
    PARAMETER_PREFIX,
    *FOREIGN_PREFIXES,
    *(f"{prefix}." for prefix in (*INDEXED_INPUTS, *INDEXED_OUTPUTS)),
)
"""What ends up in a field of its own; the rest is kept under the metadata key `attributes`."""
