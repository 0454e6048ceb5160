"""Which word of which sender says what kind a span is: the first attribute that is there, in the order written."""

from sightline.server.tracing.records import Kind

KINDS_BY_LANGFUSE_TYPE = {kind.value.lower(): kind for kind in Kind}

KINDS_BY_OPENINFERENCE = {
    "LLM": Kind.GENERATION,
    "AGENT": Kind.AGENT,
    "CHAIN": Kind.CHAIN,
    "EMBEDDING": Kind.EMBEDDING,
    "EVALUATOR": Kind.EVALUATOR,
    "GUARDRAIL": Kind.GUARDRAIL,
    "RERANKER": Kind.RETRIEVER,
    "RETRIEVER": Kind.RETRIEVER,
    "TOOL": Kind.TOOL,
}

KINDS_BY_SPAN_KIND = KINDS_BY_OPENINFERENCE | {
    "CONVERSATION": Kind.CHAIN,
    "ENTRY": Kind.CHAIN,
    "MCP": Kind.TOOL,
    "MEMORY": Kind.SPAN,
    "STEP": Kind.SPAN,
    "TASK": Kind.SPAN,
    "VECTOR_DB": Kind.RETRIEVER,
    "WORKFLOW": Kind.CHAIN,
}
"""traceAI's and LoongSuite's words, which are OpenInference's and some more."""

KINDS_BY_LAMINAR = {"LLM": Kind.GENERATION, "TOOL": Kind.TOOL, "EVALUATOR": Kind.EVALUATOR}
KINDS_BY_NETRA = {
    "GENERATION": Kind.GENERATION,
    "TOOL": Kind.TOOL,
    "EMBEDDING": Kind.EMBEDDING,
    "AGENT": Kind.AGENT,
    "SPAN": Kind.SPAN,
    "USAGE": Kind.SPAN,
}
KINDS_BY_AGENTOPS = {
    "workflow": Kind.CHAIN,
    "session": Kind.CHAIN,
    "chain": Kind.CHAIN,
    "task": Kind.SPAN,
    "operation": Kind.SPAN,
    "http": Kind.SPAN,
    "agent": Kind.AGENT,
    "tool": Kind.TOOL,
    "llm": Kind.GENERATION,
    "guardrail": Kind.GUARDRAIL,
}

KINDS_BY_OPERATION = {
    "chat": Kind.GENERATION,
    "completion": Kind.GENERATION,
    "text_completion": Kind.GENERATION,
    "generate_content": Kind.GENERATION,
    "generate": Kind.GENERATION,
    "embeddings": Kind.EMBEDDING,
    "embedding": Kind.EMBEDDING,
    "retrieval": Kind.RETRIEVER,
    "rerank": Kind.RETRIEVER,
    "invoke_agent": Kind.AGENT,
    "create_agent": Kind.AGENT,
    "invoke_workflow": Kind.CHAIN,
    "execute_tool": Kind.TOOL,
}

KINDS_BY_GENKIT = {
    "model": Kind.GENERATION,
    "tool": Kind.TOOL,
    "flow": Kind.CHAIN,
    "retriever": Kind.RETRIEVER,
    "reranker": Kind.RETRIEVER,
    "embedder": Kind.EMBEDDING,
    "evaluator": Kind.EVALUATOR,
}

AI_SDK_OPERATION = "ai.operationId"
AI_SDK_WRAPPERS = frozenset(
    (
        "ai.generateText",
        "ai.streamText",
        "ai.generateObject",
        "ai.streamObject",
        "ai.embed",
        "ai.embedMany",
    )
)
"""What a program calls; the calls of the model are inside, each a span ending in `.doGenerate` and the like."""

KINDS_BY_AI_SDK = {
    **dict.fromkeys(AI_SDK_WRAPPERS, Kind.SPAN),
    "ai.generateText": Kind.AGENT,
    "ai.streamText": Kind.AGENT,
    "ai.generateText.doGenerate": Kind.GENERATION,
    "ai.streamText.doStream": Kind.GENERATION,
    "ai.generateObject.doGenerate": Kind.GENERATION,
    "ai.streamObject.doStream": Kind.GENERATION,
    "ai.embed.doEmbed": Kind.EMBEDDING,
    "ai.embedMany.doEmbed": Kind.EMBEDDING,
    "ai.toolCall": Kind.TOOL,
}

KINDS_BY_TRACELOOP = {"workflow": Kind.CHAIN, "task": Kind.SPAN, "agent": Kind.AGENT, "tool": Kind.TOOL}
KINDS_BY_REQUEST = {
    "chat": Kind.GENERATION,
    "completion": Kind.GENERATION,
    "embedding": Kind.EMBEDDING,
    "rerank": Kind.RETRIEVER,
}
KINDS_BY_AG2 = {"usage": Kind.SPAN}
"""A record of what a call beside it used: it names the model, and is no call."""

KINDS_BY_MLFLOW = {
    "LLM": Kind.GENERATION,
    "CHAT_MODEL": Kind.GENERATION,
    "AGENT": Kind.AGENT,
    "CHAIN": Kind.CHAIN,
    "WORKFLOW": Kind.CHAIN,
    "TOOL": Kind.TOOL,
    "RETRIEVER": Kind.RETRIEVER,
    "RERANKER": Kind.RETRIEVER,
    "EMBEDDING": Kind.EMBEDDING,
    "EVALUATOR": Kind.EVALUATOR,
    "GUARDRAIL": Kind.GUARDRAIL,
    "PARSER": Kind.SPAN,
    "MEMORY": Kind.SPAN,
    "TASK": Kind.SPAN,
}

KIND_TABLES = (
    ("langfuse.observation.type", KINDS_BY_LANGFUSE_TYPE, str.lower),
    ("openinference.span.kind", KINDS_BY_OPENINFERENCE, str.upper),
    ("gen_ai.operation.name", KINDS_BY_OPERATION, str.lower),
    ("gen_ai.span.kind", KINDS_BY_SPAN_KIND, str.upper),
    ("genkit:metadata:subtype", KINDS_BY_GENKIT, str.lower),
    (AI_SDK_OPERATION, KINDS_BY_AI_SDK, str),
    ("traceloop.span.kind", KINDS_BY_TRACELOOP, str.lower),
    ("llm.request.type", KINDS_BY_REQUEST, str.lower),
    ("mlflow.spanType", KINDS_BY_MLFLOW, str.upper),
    ("ag2.span.type", KINDS_BY_AG2, str.lower),
    ("lmnr.span.type", KINDS_BY_LAMINAR, str.upper),
    ("netra.span.type", KINDS_BY_NETRA, str.upper),
    ("agentops.span.kind", KINDS_BY_AGENTOPS, str.lower),
)
