import { TRACE_FIELDS } from "../../api/fields.ts";
import type { Condition } from "../../api/queries.ts";

export type Column = keyof typeof TRACE_FIELDS;
export type FieldKind = (typeof TRACE_FIELDS)[Column]["kind"];

/** Short words for the columns that are asked for most. */
export const SHORT = {
  env: "environment",
  user: "userId",
  session: "sessionId",
  tag: "tags",
  model: "models",
  cost: "totalCost",
  score: "scores",
} as const satisfies Record<string, Column>;

/** Columns that have a parameter of their own, which takes what they are to be equal to. */
export const SIMPLE = {
  name: "name",
  environment: "environment",
  userId: "userId",
  sessionId: "sessionId",
  tags: "tag",
} as const satisfies Partial<Record<Column, string>>;

const WORDS: Record<string, string> = Object.fromEntries(
  Object.entries(SHORT).map(([word, column]) => [column, word]),
);

/** What a column is called in the filter bar. */
export const wordOf = (column: string): string => WORDS[column] ?? column;

export const unitOf = (column: string): string | undefined => {
  const fields: Record<string, { kind: string; unit?: string }> = TRACE_FIELDS;
  return Object.hasOwn(fields, column) ? fields[column]?.unit : undefined;
};

const SIGNS: Record<string, string> = {
  "=": ": ",
  "any of": ": ",
  "all of": ": ",
  "<>": " ≠ ",
  "none of": " ≠ ",
  ">=": " ≥ ",
  "<=": " ≤ ",
};

/** A condition as a person reads it: `latency > 1 s`, `env ≠ staging`, `score.good > 0.5`. */
export function labelOf({ column, key, operator, value }: Condition): string {
  const name = wordOf(column) + (key ? `.${key}` : "");
  const unit = typeof value === "number" ? unitOf(column) : undefined;
  const told = [value ?? []].flat().join(", ");
  return `${name}${SIGNS[operator] ?? ` ${operator} `}${unit === "USD" ? "$" : ""}${told}${unit === "s" ? " s" : ""}`;
}
