"""Observations and scores in ClickHouse's dialect: wide, immutable rows (ReplacingMergeTree); last write wins.

The primary key is project and time, in monthly partitions: "newest first" reads the end of the data, and a time
range prunes partitions. Ids, users, sessions and the words of inputs, outputs and status messages have skip indexes
(bloom filters). An empty text stands for none.

`traces` is an index derived from `observations`, a materialized aggregate: one row a trace with all that lists, charts
and metrics need. Readers read both tables FINAL: the engine deduplicates the versions of a row at read time.
"""

GONE = "GONE"
"""The kind of a tombstone: when an observation is upserted with another start, its old primary key gets such a row."""

TIDY = (
    "min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 60, merge_selector_base = 10, "
    "finished_mutations_to_keep = 1, max_cleanup_delay_period = 60"
)
"""Merged parts are fsynced like inserted ones, so the parts they replace need not be kept for eight minutes, the
engine's default precaution. Ten similar parts and not five merge at once: less write amplification. The statements
of finished mutations name what was deleted, so no more than the last one is kept."""

TABLE_SETTINGS = f"index_granularity_bytes = 1048576, fsync_after_insert = 1, fsync_part_directory = 1, {TIDY}"
"""Inserts are durable when they return: fsync of the part and its directory."""

WORDS = "tokens(lowerUTF8(concat(input, ' ', output, ' ', status_message)))"
"""Tokens of an observation for full-text search: runs of letters and digits, in lower case. A bloom filter costs a
byte or two a word; an inverted index (posting lists) took four times the space and twice the time (decision 8)."""

TRACE_TEXT_LENGTH = "greatest(length(trace_input), length(trace_output))"
"""Its minmax index skips granules without any text of a trace."""

INDEXES = (
    "by_trace trace_id TYPE bloom_filter(0.0001) GRANULARITY 4",
    "by_id id TYPE bloom_filter(0.001) GRANULARITY 4",
    "by_name (name, trace_name) TYPE set(100) GRANULARITY 4",
    f"by_trace_text {TRACE_TEXT_LENGTH} TYPE minmax GRANULARITY 4",
    "by_user user_id TYPE bloom_filter(0.01) GRANULARITY 4",
    "by_session session_id TYPE bloom_filter(0.01) GRANULARITY 4",
    "by_experiment experiment_id TYPE bloom_filter(0.01) GRANULARITY 4",
    f"words {WORDS} TYPE bloom_filter(0.01) GRANULARITY 4",
)
"""Skip indexes, each entry over some 800 rows: finer ones would be 50,000 to evaluate at ten million rows."""

CALL_INDEX = "by_call call_id TYPE bloom_filter(0.001) GRANULARITY 4"
"""Skip index on provider response ids, to deduplicate usage."""

OBSERVATIONS = f"""
CREATE TABLE IF NOT EXISTS observations (
    project_id LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    id String CODEC(ZSTD(1)),
    parent_id String CODEC(ZSTD(1)),
    row_version UInt64 CODEC(Delta, ZSTD(1)),
    start_time DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    end_time Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    completion_start_time Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    is_root UInt8,
    kind LowCardinality(String),
    name LowCardinality(String),
    level LowCardinality(String),
    status_message String CODEC(ZSTD(1)),
    environment LowCardinality(String),
    version LowCardinality(String),
    service LowCardinality(String),
    scope LowCardinality(String),
    input String CODEC(ZSTD(1)),
    output String CODEC(ZSTD(1)),
    input_preview String CODEC(ZSTD(1)),
    output_preview String CODEC(ZSTD(1)),
    metadata Map(String, String) CODEC(ZSTD(1)),
    model LowCardinality(String),
    model_parameters Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    usage Map(LowCardinality(String), Int64) CODEC(ZSTD(1)),
    cost_usd Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    model_id LowCardinality(String),
    pricing_tier LowCardinality(String),
    call_id String CODEC(ZSTD(1)),
    repeated_usage Map(LowCardinality(String), Int64) CODEC(ZSTD(1)),
    repeated_cost_usd Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    prompt_name LowCardinality(String),
    prompt_version Nullable(Int32) CODEC(ZSTD(1)),
    image_ids Array(String) CODEC(ZSTD(1)),
    tool_names Array(LowCardinality(String)),
    called_tool_names Array(LowCardinality(String)),
    trace_name LowCardinality(String),
    user_id String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    tags Array(LowCardinality(String)),
    public Nullable(UInt8),
    trace_version LowCardinality(String),
    release LowCardinality(String),
    trace_metadata Map(String, String) CODEC(ZSTD(1)),
    trace_input String CODEC(ZSTD(1)),
    trace_output String CODEC(ZSTD(1)),
    trace_input_preview String CODEC(ZSTD(1)),
    trace_output_preview String CODEC(ZSTD(1)),
    experiment_id String CODEC(ZSTD(1)),
    experiment Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    {", ".join(f"INDEX {index}" for index in (*INDEXES, CALL_INDEX))}
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMM(start_time)
ORDER BY (project_id, start_time, trace_id, id)
SETTINGS {TABLE_SETTINGS}
"""
"""One row per version of an observation."""

TRACES = f"""
CREATE TABLE IF NOT EXISTS traces (
    project_id LowCardinality(String),
    timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    row_version UInt64 CODEC(Delta, ZSTD(1)),
    gone UInt8,
    began Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    ended Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    last_start DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    name LowCardinality(String),
    user_id String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    environment LowCardinality(String),
    tags Array(LowCardinality(String)),
    public UInt8,
    version LowCardinality(String),
    release LowCardinality(String),
    level LowCardinality(String),
    observation_count UInt32 CODEC(ZSTD(1)),
    error_count UInt32 CODEC(ZSTD(1)),
    warning_count UInt32 CODEC(ZSTD(1)),
    default_count UInt32 CODEC(ZSTD(1)),
    debug_count UInt32 CODEC(ZSTD(1)),
    usage Map(LowCardinality(String), Int64) CODEC(ZSTD(1)),
    cost_usd Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    models Array(LowCardinality(String)),
    media_id String CODEC(ZSTD(1)),
    metadata Map(String, String) CODEC(ZSTD(1)),
    input_preview String CODEC(ZSTD(1)),
    output_preview String CODEC(ZSTD(1)),
    INDEX by_trace trace_id TYPE bloom_filter(0.0001) GRANULARITY 1,
    INDEX by_user user_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_name name TYPE set(100) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMM(timestamp)
ORDER BY (project_id, timestamp, trace_id)
SETTINGS index_granularity = 2048, {TABLE_SETTINGS}
"""
"""The index of traces. A trace whose start moves leaves a tombstone (`gone`) at its old primary key."""

SCORES = f"""
CREATE TABLE IF NOT EXISTS scores (
    project_id LowCardinality(String),
    id String CODEC(ZSTD(1)),
    row_version UInt64 CODEC(Delta, ZSTD(1)),
    timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    created_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    name LowCardinality(String),
    data_type LowCardinality(String),
    value Nullable(Float64) CODEC(ZSTD(1)),
    string_value Nullable(String) CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    observation_id String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    dataset_run_id String CODEC(ZSTD(1)),
    source LowCardinality(String),
    environment LowCardinality(String),
    comment String CODEC(ZSTD(1)),
    metadata String CODEC(ZSTD(1)),
    config_id String CODEC(ZSTD(1)),
    queue_id String CODEC(ZSTD(1)),
    author_user_id String CODEC(ZSTD(1)),
    updated_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMM(timestamp)
ORDER BY (project_id, timestamp, id)
SETTINGS {TABLE_SETTINGS}
"""
"""One row per version of a score."""

CHANGES = f"""
CREATE TABLE IF NOT EXISTS changes (
    project_id LowCardinality(String),
    subject LowCardinality(String),
    subject_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    row_version UInt64 CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    occurred_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    creates UInt8,
    fields String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (project_id, subject, subject_id, event_id)
TTL toDateTime(fromUnixTimestamp64Nano(toInt64(row_version))) + INTERVAL 31 DAY
SETTINGS {TABLE_SETTINGS}
"""
"""Event log of the older ingestion, by subject. TTL of a month; the merged result stays."""

PRICED_BY = """
ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS model_id LowCardinality(String) AFTER cost_usd,
    ADD COLUMN IF NOT EXISTS pricing_tier LowCardinality(String) AFTER model_id
"""
"""Migration for folders created before costs were calculated."""

EXPERIMENTS = """
ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS experiment_id String CODEC(ZSTD(1)) AFTER trace_output_preview,
    ADD COLUMN IF NOT EXISTS experiment Map(LowCardinality(String), String) CODEC(ZSTD(1)) AFTER experiment_id
"""
"""Migration for folders created before experiments had columns."""

TIDIED = tuple(
    f"ALTER TABLE {table} MODIFY SETTING {TIDY}" for table in ("observations", "traces", "scores", "changes")
)
"""Migration for folders created before replaced parts, and statements of deletions, were dropped early."""

FILTERED_WORDS = f"""
ALTER TABLE observations
    DROP INDEX IF EXISTS words_in,
    DROP INDEX IF EXISTS words_out,
    DROP INDEX IF EXISTS by_trace,
    DROP INDEX IF EXISTS by_id,
    DROP INDEX IF EXISTS by_user,
    DROP INDEX IF EXISTS by_session,
    DROP INDEX IF EXISTS by_experiment,
    {", ".join(f"ADD INDEX IF NOT EXISTS {index}" for index in INDEXES)}
"""
"""Migration for folders created before words had a skip index; existing rows get it when their parts merge."""

WORDS_OF_ERRORS = f"""
ALTER TABLE observations
    DROP INDEX IF EXISTS words,
    ADD INDEX IF NOT EXISTS words {WORDS} TYPE bloom_filter(0.01) GRANULARITY 4
"""
"""Migration for folders created before search covered status messages."""

TOOLS = """
ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS tool_names Array(LowCardinality(String)) AFTER image_ids,
    ADD COLUMN IF NOT EXISTS called_tool_names Array(LowCardinality(String)) AFTER tool_names
"""
"""Migration for folders created before tools had columns."""

COUNTED_ONCE = f"""
ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS call_id String CODEC(ZSTD(1)) AFTER pricing_tier,
    ADD COLUMN IF NOT EXISTS repeated_usage Map(LowCardinality(String), Int64) CODEC(ZSTD(1)) AFTER call_id,
    ADD COLUMN IF NOT EXISTS repeated_cost_usd Map(LowCardinality(String), Float64) CODEC(ZSTD(1)) AFTER repeated_usage,
    ADD INDEX IF NOT EXISTS {CALL_INDEX}
"""
"""Migration for folders created before usage was deduplicated within a trace."""

APPLIED = f"""
CREATE TABLE IF NOT EXISTS applied_changes (name String) ENGINE = MergeTree ORDER BY name SETTINGS {TABLE_SETTINGS}
"""
"""Migrations that were applied: ALTER takes a table lock, which a start must not wait for again."""

ANALYTICS_TABLES = (OBSERVATIONS, TRACES, SCORES, CHANGES, APPLIED)
ANALYTICS_CHANGES = {
    "priced_by": (PRICED_BY,),
    "experiments": (EXPERIMENTS,),
    "filtered_words": (FILTERED_WORDS,),
    "tools": (TOOLS,),
    "words_of_errors": (WORDS_OF_ERRORS,),
    "counted_once": (COUNTED_ONCE,),
    "tidy_deletions": TIDIED,
}
"""Migrations in order, each idempotent. A fresh folder is created with them and records them as applied."""
