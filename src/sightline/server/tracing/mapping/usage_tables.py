"""Counters and costs: attribute to usage type. The first of two names for one thing wins, in the order written."""

from sightline.server.tracing.mapping.senders import (
    AG2,
    AI_SDK,
    CONVENTIONS,
    LANGFUSE,
    LITELLM,
    LIVEKIT,
    MLFLOW,
    OPENINFERENCE,
    OPENLLMETRY,
    PYDANTIC_AI,
    TRACE_AI,
    keys_of,
    meanings,
    rows,
)

USAGE_DETAIL_ROWS = (
    *rows(LANGFUSE, "langfuse.observation.usage_details"),
    *rows(MLFLOW, "mlflow.chat.tokenUsage"),
)
"""Attributes that hold a JSON object of usage."""
USAGE_DETAILS = keys_of(USAGE_DETAIL_ROWS)

CACHED, WRITTEN, CACHED_AUDIO = "input_cached_tokens", "input_cache_creation", "input_cached_audio_tokens"
REASONING = "output_reasoning_tokens"

USAGE_ROWS = (
    *meanings(
        CONVENTIONS,
        {
            "gen_ai.usage.input_tokens": "input",
            "gen_ai.usage.output_tokens": "output",
            "gen_ai.usage.cache_read.input_tokens": CACHED,
            "gen_ai.usage.cache_write.input_tokens": WRITTEN,
            "gen_ai.usage.cache_creation.input_tokens": WRITTEN,
            "gen_ai.usage.reasoning.output_tokens": REASONING,
        },
    ),
    *meanings(
        OPENLLMETRY,
        {
            "gen_ai.usage.prompt_tokens": "input",
            "gen_ai.usage.completion_tokens": "output",
            "gen_ai.usage.total_tokens": "total",
            "llm.usage.total_tokens": "total",
            "gen_ai.usage.cache_read_input_tokens": CACHED,
            "gen_ai.usage.cache_creation_input_tokens": WRITTEN,
            "gen_ai.usage.reasoning_tokens": REASONING,
        },
    ),
    *meanings(
        OPENINFERENCE,
        {
            "llm.token_count.prompt": "input",
            "llm.token_count.completion": "output",
            "llm.token_count.total": "total",
            "llm.token_count.prompt_details.cache_read": CACHED,
            "llm.token_count.prompt_details.cache_write": WRITTEN,
            "llm.token_count.prompt_details.audio": "input_audio_tokens",
            "llm.token_count.completion_details.reasoning": REASONING,
            "llm.token_count.completion_details.audio": "output_audio_tokens",
        },
    ),
    *meanings(
        LANGFUSE,
        {
            "gen_ai.usage.input_cached_tokens": CACHED,
            "gen_ai.usage.input_cache_creation": WRITTEN,
            "gen_ai.usage.cache_read_tokens": CACHED,
            "gen_ai.usage.cache_write_tokens": WRITTEN,
        },
    ),
    *meanings(
        PYDANTIC_AI,
        {
            "gen_ai.usage.details.cache_read_tokens": CACHED,
            "gen_ai.usage.details.cache_write_tokens": WRITTEN,
            "gen_ai.usage.details.cache_read_input_tokens": CACHED,
            "gen_ai.usage.details.cache_creation_input_tokens": WRITTEN,
            "gen_ai.usage.details.reasoning_tokens": REASONING,
            "gen_ai.usage.details.input_audio_tokens": "input_audio_tokens",
            "gen_ai.usage.details.output_audio_tokens": "output_audio_tokens",
        },
    ),
    *meanings(
        LIVEKIT,
        {
            "gen_ai.usage.text.input_tokens": "input_text_tokens",
            "gen_ai.usage.audio.input_tokens": "input_audio_tokens",
            "gen_ai.usage.image.input_tokens": "input_image_tokens",
            "gen_ai.usage.text.output_tokens": "output_text_tokens",
            "gen_ai.usage.audio.output_tokens": "output_audio_tokens",
            "gen_ai.usage.audio.cache_read.input_tokens": CACHED_AUDIO,
        },
    ),
    *meanings(AG2, {"gen_ai.usage.thinking_tokens": REASONING}),
    *meanings(
        AI_SDK,
        {
            "ai.usage.inputTokens": "input",
            "ai.usage.promptTokens": "input",
            "ai.usage.tokens": "input",
            "ai.usage.outputTokens": "output",
            "ai.usage.completionTokens": "output",
            "ai.usage.totalTokens": "total",
            "ai.usage.cachedInputTokens": CACHED,
            "ai.usage.inputTokenDetails.cacheReadTokens": CACHED,
            "ai.usage.inputTokenDetails.cacheWriteTokens": WRITTEN,
            "ai.usage.reasoningTokens": REASONING,
            "ai.usage.outputTokenDetails.reasoningTokens": REASONING,
        },
    ),
)
"""Attributes that hold one count."""
USAGE_BY_ATTRIBUTE = {row.key: row.means for row in USAGE_ROWS}
"""Everything but input, output and total is a part of `input` or `output` by its prefix."""

COUNTER_PREFIXES = ("gen_ai.usage.", "llm.token_count.", "llm.usage.", "ai.usage.")
"""Below them spellings that are not listed are read word by word."""
KEPT_PREFIX = "gen_ai.usage."
"""Integers below it that no word explains are usage types under their own name, as Langfuse keeps them."""

COST_DETAIL_ROWS = (
    *rows(LANGFUSE, "langfuse.observation.cost_details"),
    *rows(MLFLOW, "mlflow.llm.cost"),
)
"""Attributes that hold a JSON object of costs."""
COST_DETAILS = keys_of(COST_DETAIL_ROWS)

COST_ROWS = (
    *meanings(
        LANGFUSE,
        {
            "gen_ai.usage.cost": "total",
            "gen_ai.usage.cost_usd": "total",
            "gen_ai.usage.total_cost": "total",
            "gen_ai.usage.input_cost": "input",
            "gen_ai.usage.output_cost": "output",
        },
    ),
    *meanings(
        LITELLM,
        {
            "gen_ai.cost.total_cost": "total",
            "gen_ai.cost.input_cost": "input",
            "gen_ai.cost.output_cost": "output",
        },
    ),
    *meanings(OPENINFERENCE, {"llm.cost.total": "total", "llm.cost.prompt": "input", "llm.cost.completion": "output"}),
    *meanings(PYDANTIC_AI, {"operation.cost": "total"}),
    *meanings(TRACE_AI, {"gen_ai.cost.total": "total", "gen_ai.cost.input": "input", "gen_ai.cost.output": "output"}),
)
"""Attributes that hold one cost in US dollars."""
COST_BY_ATTRIBUTE = {row.key: row.means for row in COST_ROWS}
ZERO_IS_UNKNOWN = frozenset(("gen_ai.usage.cost",))
"""OpenLIT 1.45.0 writes zero where its own list has no price for a model."""

COST_NAMES = {
    "total_cost": "total",
    "totalCost": "total",
    "cost": "total",
    "cost_usd": "total",
    "costUsd": "total",
    "total_cost_usd": "total",
}
"""How objects of usage or of costs call the whole cost."""
COST_PARTS = {
    "input_cost": "input",
    "inputCost": "input",
    "prompt_cost": "input",
    "output_cost": "output",
    "outputCost": "output",
    "completion_cost": "output",
}
"""And, beside a total, its parts."""
