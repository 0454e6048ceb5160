import { TRACE_FIELDS } from "../../api/fields.ts";
import type { Condition, TraceFilter } from "../../api/queries.ts";
import { type Column, type FieldKind, SHORT, SIMPLE, unitOf, wordOf } from "./names.ts";

/** One term of the filter bar: `-score.good>0.5`. */
export interface Term {
  isNegated: boolean;
  word: string;
  key: string | undefined;
  sign: string;
  value: string;
}

export type Compiled = { filter: TraceFilter } | { problem: string };

/** Other names of `scores`, and a column that Langfuse has and nothing here sets. */
const UNSAID: readonly string[] = ["scores_avg", "score_categories", "bookmarked"];
const COLUMNS = (Object.keys(TRACE_FIELDS) as Column[]).filter((column) => !UNSAID.includes(column));

/** Every word that may stand before a sign, in lower case. */
const KNOWN = new Map<string, Column>([
  ...COLUMNS.map((column): [string, Column] => [column.toLowerCase(), column]),
  ...Object.entries(SHORT),
]);

export const WORDS: readonly string[] = COLUMNS.map(wordOf);
export const columnOf = (word: string): Column | undefined => KNOWN.get(word.toLowerCase());

const OPPOSITE: Record<string, string> = { ">": "<=", ">=": "<", "<": ">=", "<=": ">" };
const EXAMPLES: Partial<Record<Column, string>> = {
  name: "caption",
  environment: "production",
  userId: "ada",
  sessionId: "visit-7",
  tags: "beta",
  level: "ERROR",
  models: "gpt-5-mini",
  latency: "1s",
};
const EXAMPLES_OF: Record<FieldKind, string> = {
  text: "abc",
  texts: "abc",
  number: "100",
  time: "2026-12-01",
  truth: "true",
  entries: "lab",
  scores: "0.5",
};

const exampleOf = (column: Column): string =>
  EXAMPLES[column] ?? (unitOf(column) === "USD" ? "0.01" : EXAMPLES_OF[TRACE_FIELDS[column].kind]);

const DURATIONS_S: Record<string, number> = {
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  "": 1,
  s: 1,
  m: 60,
  min: 60,
  h: 3600,
};
const COUNTS: Record<string, number> = { "": 1, k: 1e3, m: 1e6 };
const NUMBER = /^(-?)\$?(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)([a-zµ]*)$/i;
/** More digits than anybody writes, fewer than those that show how floats are kept. */
const DIGITS = 12;
const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$/;

function numberOf(column: string, value: string): number | undefined {
  const [, minus, digits, unit = ""] = NUMBER.exec(value) ?? [];
  const scale = (unitOf(column) === "s" ? DURATIONS_S : COUNTS)[unit.toLowerCase()];
  if (digits === undefined || scale === undefined) return undefined;
  return Number((Number(digits) * scale).toPrecision(DIGITS)) * (minus ? -1 : 1);
}

/** What is asked of a column: how it compares, and to what. */
interface Asked {
  column: Column;
  word: string;
  key: string | undefined;
  /** `=`, `!=` or a comparison, any negation taken in. */
  sign: string;
  value: string;
}

type Answer = Omit<Condition, "column" | "key"> | { problem: string };

const isComparison = (sign: string): boolean => Object.hasOwn(OPPOSITE, sign);

function ofText({ column, word, sign, value }: Asked): Answer {
  if (isComparison(sign)) {
    const example = exampleOf(column);
    return { problem: `${word} is a text: write ${word}:${example} or ${word}!=${example}.` };
  }
  const isList = TRACE_FIELDS[column].kind === "texts";
  if (sign === "!=")
    return { type: isList ? "arrayOptions" : "stringOptions", operator: "none of", value: [value] };
  return isList
    ? { type: "arrayOptions", operator: "any of", value: [value] }
    : { type: "string", operator: "=", value };
}

const unequal = (word: string): { problem: string } => ({
  problem: `Numbers and times are compared: write ${word}> or ${word}<.`,
});

function ofNumber({ column, word, sign, value }: Asked, type = "number"): Answer {
  const number = numberOf(column, value);
  if (number === undefined) {
    const units = unitOf(column) === "s" ? " Units: us, ms, s, m, h." : "";
    return { problem: `“${value}” is no number. Write ${word}>${exampleOf(column)}.${units}` };
  }
  return sign === "!=" ? unequal(word) : { type, operator: sign, value: number };
}

function ofTime({ word, sign, value }: Asked): Answer {
  if (!TIME.test(value) || Number.isNaN(Date.parse(value)))
    return {
      problem: `“${value}” is no time. Write ${word}>2026-12-01 or ${word}>2026-12-01T09:30, in UTC.`,
    };
  return sign === "!=" ? unequal(word) : { type: "datetime", operator: sign, value };
}

function ofTruth({ word, sign, value }: Asked, type = "boolean"): Answer {
  const text = value.toLowerCase();
  if (isComparison(sign) || (text !== "true" && text !== "false"))
    return { problem: `${word} is true or false: write ${word}:true.` };
  return { type, operator: sign === "=" ? "=" : "<>", value: text === "true" };
}

function ofEntry(asked: Asked): Answer {
  const { word, key, sign, value } = asked;
  if (!key) return { problem: `${word} needs a key: write ${word}.team:lab.` };
  if (isComparison(sign)) return ofNumber(asked, "numberObject");
  if (sign === "!=") return { type: "categoryOptions", operator: "none of", value: [value] };
  return { type: "stringObject", operator: "=", value };
}

function ofScore(asked: Asked): Answer {
  const { word, key, sign, value } = asked;
  if (isComparison(sign) || numberOf("scores", value) !== undefined)
    return ofNumber(asked, key ? "numberObject" : "number");
  if (!key) return { problem: `${word} needs a name here: write ${word}.good:${value}.` };
  if (/^(true|false)$/i.test(value)) return ofTruth(asked, "booleanObject");
  return { type: "categoryOptions", operator: sign === "=" ? "any of" : "none of", value: [value] };
}

const BY_KIND: Record<FieldKind, (asked: Asked) => Answer> = {
  text: ofText,
  texts: ofText,
  number: (asked) => ofNumber(asked),
  time: ofTime,
  truth: (asked) => ofTruth(asked),
  entries: ofEntry,
  scores: ofScore,
};

/** Equality with a column that has a parameter of its own, so that addresses stay short and old ones valid. */
function simple({ column, sign, value }: Asked): TraceFilter | undefined {
  if (sign !== "=" || !Object.hasOwn(SIMPLE, column)) return undefined;
  const parameter = SIMPLE[column as keyof typeof SIMPLE];
  return { [parameter]: parameter === "environment" || parameter === "tag" ? [value] : value };
}

function signOf({ sign, isNegated }: Term): string {
  const plain = sign.replace(/^:(?=.)/, "").replace(/^(:|==)$/, "=");
  if (!isNegated) return plain;
  return OPPOSITE[plain] ?? (plain === "=" ? "!=" : "=");
}

/** What a term narrows the list to, or what is wrong with it. */
export function compile(term: Term): Compiled {
  const column = columnOf(term.word);
  if (!column) {
    const fields = WORDS.join(", ");
    return {
      problem: `There is no field ${term.word}. Fields: ${fields}; quote text that has a sign like “${term.sign}”.`,
    };
  }
  const isKeyed = column === "metadata" || column === "scores";
  const short = wordOf(column);
  const word = short + (isKeyed && term.key ? `.${term.key}` : "");
  if (term.key && !isKeyed)
    return {
      problem: `${short} has no parts: write ${short}:${exampleOf(column)}. Only metadata and score have.`,
    };
  if (!term.value.trim()) return { problem: missing(column, word, term.sign) };
  const asked = { column, word, key: term.key, sign: signOf(term), value: term.value };
  const parameter = simple(asked);
  if (parameter) return { filter: parameter };
  const answer = BY_KIND[TRACE_FIELDS[column].kind](asked);
  return "problem" in answer ? answer : { filter: { filter: [{ column, key: term.key, ...answer }] } };
}

function missing(column: Column, word: string, sign: string): string {
  const example = `${word}${sign}${exampleOf(column)}`;
  const { kind } = TRACE_FIELDS[column];
  const quotes = kind === "text" || kind === "texts" ? `, or ${word}${sign}"two words" in quotes` : "";
  return `Nothing stands right after “${word}${sign}”. Write ${example} without a space${quotes}.`;
}
