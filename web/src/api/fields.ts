// Made by `python -m sightline.server.edges.filters_documented typescript`: not written by hand.

/** What can be asked of a trace; numbers with a unit are in it. */
export const TRACE_FIELDS = {
  id: { kind: "text" },
  name: { kind: "text" },
  userId: { kind: "text" },
  sessionId: { kind: "text" },
  environment: { kind: "text" },
  version: { kind: "text" },
  release: { kind: "text" },
  tags: { kind: "texts" },
  models: { kind: "texts" },
  timestamp: { kind: "time" },
  latency: { kind: "number", unit: "s" },
  observationCount: { kind: "number" },
  errorCount: { kind: "number" },
  warningCount: { kind: "number" },
  defaultCount: { kind: "number" },
  debugCount: { kind: "number" },
  level: { kind: "text" },
  inputTokens: { kind: "number" },
  outputTokens: { kind: "number" },
  totalTokens: { kind: "number" },
  tokens: { kind: "number" },
  inputCost: { kind: "number", unit: "USD" },
  outputCost: { kind: "number", unit: "USD" },
  totalCost: { kind: "number", unit: "USD" },
  public: { kind: "truth" },
  bookmarked: { kind: "truth" },
  metadata: { kind: "entries" },
  scores: { kind: "scores" },
  scores_avg: { kind: "scores" },
  score_categories: { kind: "scores" },
} as const;

/** The types of conditions: the kinds of fields that each fits, and its operators. */
export const GRAMMAR = {
  string: {
    fits: ["text"],
    operators: ["=", "contains", "does not contain", "starts with", "ends with", "matches", "is not empty"],
  },
  stringOptions: {
    fits: ["text"],
    operators: ["any of", "none of"],
  },
  arrayOptions: {
    fits: ["texts", "text"],
    operators: ["any of", "all of", "none of"],
  },
  number: {
    fits: ["number", "scores"],
    operators: ["=", ">", "<", ">=", "<="],
  },
  datetime: {
    fits: ["time"],
    operators: ["=", ">", "<", ">=", "<="],
  },
  boolean: {
    fits: ["truth"],
    operators: ["=", "<>"],
  },
  null: {
    fits: ["text", "number", "time", "texts", "entries"],
    operators: ["is null", "is not null"],
  },
  stringObject: {
    fits: ["entries"],
    operators: ["=", "contains", "does not contain", "starts with", "ends with", "matches", "is set", "is not set"],
  },
  numberObject: {
    fits: ["entries", "scores"],
    operators: ["=", ">", "<", ">=", "<="],
  },
  booleanObject: {
    fits: ["entries", "scores"],
    operators: ["=", "<>"],
  },
  categoryOptions: {
    fits: ["entries", "scores"],
    operators: ["any of", "none of"],
  },
} as const;
