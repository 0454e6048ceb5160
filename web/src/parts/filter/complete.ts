import { TRACE_FIELDS } from "../../api/fields.ts";
import { columnOf, WORDS } from "./compile.ts";
import type { Column, FieldKind } from "./names.ts";

export interface Completion {
  insert: string;
  label: string;
  hint: string;
}

/** Values seen in what is loaded, by column; for scores, their names. */
export type Seen = Partial<Record<Column, string[]>>;

/** Offered before anything is typed; the other columns once they are begun. */
const USUAL = [
  "name",
  "env",
  "user",
  "session",
  "tag",
  "errors",
  "latency",
  "cost",
  "tokens",
  "model",
  "level",
  "score",
  "metadata",
];
const OFFERED = [...new Set([...USUAL, ...WORDS])];
const MOST_VALUES = 8;

const HINTS: Record<string, string> = {
  name: "Trace name",
  env: "Environment",
  user: "User id",
  session: "Session id",
  tag: "Tag",
  errors: "Only traces with errors",
  latency: "Duration: >1s, <200ms",
  cost: "US dollars: >0.01",
  tokens: "Number: >=100",
  model: "Model",
  level: "ERROR, WARNING …",
  score: "Score: score.good>0.5",
  metadata: "metadata.team:lab",
};
const HINTS_OF: Record<FieldKind, string> = {
  text: "Text",
  texts: "Text",
  number: "Number: >100",
  time: "Time in UTC: >2026-12-01",
  truth: "true or false",
  entries: "By key",
  scores: "By name",
};
const SUFFIXES: Record<FieldKind, string> = {
  text: ":",
  texts: ":",
  number: ">",
  time: ">",
  truth: ":",
  entries: ".",
  scores: ".",
};
const FIXED: Seen = { level: ["DEBUG", "DEFAULT", "WARNING", "ERROR"], public: ["true", "false"] };

/** The last term as far as it is typed: a minus, a word, and behind a sign what its value begins with. */
const LAST = /(?:^|\s)(-?)((?:[a-z][\w-]*(?:\.[^\s"<>=!:]*)?)?)(?:(!=|[:=])(?:"([^"]*)|([^\s"]*)))?$/i;

export const quoted = (value: string): string => (/\s/.test(value) ? `"${value}"` : value);

const has = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase());

/** What may follow what is typed so far: fields, then the values seen for a field. */
export function complete(typed: string, seen: Seen): Completion[] {
  const last = LAST.exec(typed);
  if (!last) return [];
  const [whole, minus = "", word = "", sign, inQuotes, bare] = last;
  const before = typed.slice(0, typed.length - whole.trimStart().length) + minus;
  if (sign) return values(word, `${before}${word}${sign}`, inQuotes ?? bare ?? "", seen);
  const [head = "", name] = word.split(/\.(.*)/s);
  if (name !== undefined) return scoreNames(head, name, before, seen);
  const offered = word ? OFFERED.filter((each) => each.toLowerCase().startsWith(word.toLowerCase())) : USUAL;
  return offered.map((each) => field(each, before));
}

function field(word: string, before: string): Completion {
  const column = columnOf(word);
  const { kind } = column ? TRACE_FIELDS[column] : { kind: undefined };
  const label = word + (kind ? SUFFIXES[kind] : "");
  return {
    insert: `${before}${label}${kind ? "" : " "}`,
    label,
    hint: HINTS[word] ?? (kind ? HINTS_OF[kind] : ""),
  };
}

function values(word: string, before: string, begun: string, seen: Seen): Completion[] {
  const column = columnOf(word);
  if (!column) return [];
  return (FIXED[column] ?? seen[column] ?? [])
    .filter((each) => has(each, begun))
    .slice(0, MOST_VALUES)
    .map((each) => ({
      insert: `${before}${quoted(each)} `,
      label: each,
      hint: HINTS[word.toLowerCase()] ?? "",
    }));
}

function scoreNames(word: string, begun: string, before: string, seen: Seen): Completion[] {
  if (columnOf(word) !== "scores") return [];
  return (seen.scores ?? [])
    .filter((each) => has(each, begun))
    .slice(0, MOST_VALUES)
    .map((each) => ({ insert: `${before}${word}.${quoted(each)}>`, label: each, hint: "Score" }));
}
