"""What a person found in the results of the campaign: mended in the mapping, or the package's own."""

MENDED = (
    "traceAI: kinds (`gen_ai.span.kind`) were not read, so tools, chains, DSPy's calls and OpenAI's streams were SPANs; "
    "messages (`gen_ai.input.messages.0.message.…`) stayed in the metadata and the raw request was shown; "
    "its costs (`gen_ai.cost.*`) were not read.",
    "LoongSuite: `gen_ai.span.kind` with ENTRY and STEP, `gen_ai.user.id` and `gen_ai.session.id` were not read.",
    "Laminar, Netra, AgentOps, Traceroot and Respan: kinds, inputs, outputs, users and sessions of their own decorators, "
    "each under a name of its own, were not read (from the source of their packages).",
    "OpenLIT: the zero that it writes as `gen_ai.usage.cost` for a model without a price hid the server's price.",
    "OpenInference: the id of a response is only in `output.value`; it is read there, so that a call told twice counts once.",
)
NOT_SENT = {
    "opentelemetry-instrumentation-genai-bedrock": "writes Bedrock's input as it is, without what was read from the cache "
    "and written to it, where the convention counts both in; input is too low by them.",
    "opentelemetry-instrumentation-bedrock": "no cache counters from `invoke_model`.",
    "opentelemetry-instrumentation-google-generativeai": "no reasoning tokens; they are `other`, by the total.",
    "opentelemetry-instrumentation-haystack": "no model and no usage.",
    "openinference-instrumentation-dspy": "no usage.",
    "opentelemetry-instrumentation-mistralai": "roles without their text where messages are dictionaries; the client "
    "writes a trace of its own besides, without the id of the call, so that both count. Leave one of the two out.",
    "opentelemetry-instrumentation-agno": "only the agent, with model and usage; its usage counts for the trace.",
    "traceai-openai": "cached and reasoning tokens in no attribute; a stream has neither model nor usage of its parts.",
    "openlit": "messages only as an event of the logs, and the last call's as a record of its own.",
    "monocle-apptrace": "spans in words of its own (`entity.1.name`, events `data.input`), which are not read; ask it for "
    "the convention with `otel_genai_semconv`.",
}
