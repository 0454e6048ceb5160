import type { TraceFilter } from "../../api/queries.ts";

/** The words before a colon in the filter bar, and the filter each sets. */
export const FIELDS = {
  name: { key: "name", meaning: "Trace name" },
  env: { key: "environment", meaning: "Environment" },
  user: { key: "userId", meaning: "User id" },
  session: { key: "sessionId", meaning: "Session id" },
  tag: { key: "tag", meaning: "Tag" },
} as const;

export type Field = keyof typeof FIELDS;

const EXAMPLES: Record<Field, string> = {
  name: "caption",
  env: "production",
  user: "ada",
  session: "visit-7",
  tag: "beta",
};

export const isField = (word: string): word is Field => Object.hasOwn(FIELDS, word);

/** `name:caption`, `user:"ada b"`, `errors`, and everything else as text to search for. */
const TERM = /(?:([a-z]+):)?(?:"([^"]*)"|(\S+))/gi;

/** A field and its colon with nothing after it. */
const EMPTY = /^([a-z]+):(?:"\s*")?$/i;

/** What a typed filter means, or what is wrong with it. */
export function parse(typed: string): { filter: TraceFilter } | { problem: string } {
  const filter: TraceFilter = {};
  const words: string[] = [];
  for (const [whole, field, quoted, bare] of typed.matchAll(TERM)) {
    const value = quoted ?? bare ?? "";
    const empty = EMPTY.exec(whole)?.[1]?.toLowerCase();
    if (empty && isField(empty)) {
      return {
        problem: `Nothing stands right after “${empty}:”. Write ${empty}:${EXAMPLES[empty]} without a space, or ${empty}:"two words" in quotes.`,
      };
    }
    if (field === undefined || whole.startsWith("http")) {
      if (value === "errors" && quoted === undefined) filter.errors = true;
      else words.push(field === undefined ? value : whole);
      continue;
    }
    if (!isField(field)) {
      return {
        problem: `There is no field ${field}. Fields: ${Object.keys(FIELDS).join(", ")}; quote text that has a colon.`,
      };
    }
    const { key } = FIELDS[field];
    if (key === "environment" || key === "tag") filter[key] = [...(filter[key] ?? []), value];
    else filter[key] = value;
  }
  if (words.length) filter.search = words.join(" ");
  return { filter };
}

export const quoted = (value: string): string => (/\s/.test(value) ? `"${value}"` : value);

export interface Completion {
  insert: string;
  label: string;
  hint: string;
}

/** What may follow what is typed so far: fields, then the values seen for a field. */
export function complete(typed: string, seen: Record<Field, string[]>): Completion[] {
  const last = /(?:^|\s)([a-z]*)(?::("?)([^"]*))?$/i.exec(typed);
  if (!last) return [];
  const [, word = "", , value] = last;
  const before = typed.slice(0, typed.length - last[0].trimStart().length);
  if (value !== undefined) {
    if (!isField(word)) return [];
    return seen[word]
      .filter((each) => each.toLowerCase().includes(value.toLowerCase()))
      .slice(0, 8)
      .map((each) => ({
        insert: `${before}${word}:${quoted(each)} `,
        label: each,
        hint: FIELDS[word].meaning,
      }));
  }
  const fields = Object.entries(FIELDS)
    .filter(([name]) => name.startsWith(word.toLowerCase()))
    .map(([name, { meaning }]) => ({ insert: `${before}${name}:`, label: `${name}:`, hint: meaning }));
  const errors = { insert: `${before}errors `, label: "errors", hint: "Only traces with errors" };
  return "errors".startsWith(word.toLowerCase()) ? [...fields, errors] : fields;
}
