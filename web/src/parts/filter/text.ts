/** What is typed into the filter bar; loaded when it is first used, so that the list itself loads without it. */
import type { Condition, TraceFilter } from "../../api/queries.ts";
import { type Compiled, columnOf, compile, type Term } from "./compile.ts";

export { complete } from "./complete.ts";

/** `latency>1s`, `-name:`, `score."my score"` with its sign. Only comparisons may have spaces around them. */
const FIELD =
  /(-?)([a-z](?:[\w-]*\w)?)(?:\.(?:"([^"]+)"|([^\s"<>=!:]+)))?(\s*(?:>=|<=|!=|>|<)\s*|==?|:(?:>=|<=|>|<)?)/iy;
const VALUE = /"([^"]*)"|(?!")\S+/y;
const ADDRESS = /^:\/\//;
const ERRORS: Condition = { type: "number", column: "errorCount", operator: "=", value: 0 };

function readAt(pattern: RegExp, typed: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(typed);
}

/** The union of two filters: lists grow, a single value is replaced. */
export function merge(before: TraceFilter, more: TraceFilter): TraceFilter {
  const union = <Value>(one: Value[] = [], other: Value[] = []): Value[] | undefined => {
    const all = new Map([...one, ...other].map((each) => [JSON.stringify(each), each]));
    return all.size ? [...all.values()] : undefined;
  };
  const merged = {
    ...before,
    ...more,
    environment: union(before.environment, more.environment),
    tag: union(before.tag, more.tag),
    filter: union(before.filter, more.filter),
  };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
}

/** The term that begins here, and where it ends; none where no word stands before a sign. */
function termAt(typed: string, at: number): { term: Term; end: number; isOpen: boolean } | null {
  const found = readAt(FIELD, typed, at);
  if (!found) return null;
  const [whole, minus, word = "", quotedKey, key, sign = ""] = found;
  if (ADDRESS.test(typed.slice(at + whole.length - 1))) return null;
  const value = readAt(VALUE, typed, at + whole.length);
  const end = at + whole.length + (value?.[0].length ?? 0);
  const isProse = sign.trim() === ":" && !value && !columnOf(word) && typed[end] !== '"';
  if (isProse) return null;
  return {
    term: {
      isNegated: minus === "-",
      word,
      key: quotedKey ?? key,
      sign: sign.trim(),
      value: value?.[1] ?? value?.[0] ?? "",
    },
    end,
    isOpen: typed[end] === '"' && !value,
  };
}

const UNCLOSED = { problem: 'A quote is not closed: write a " at the end of the text too.' };
/** `score."my sc`: a key whose quote has no end. */
const OPEN_KEY = /^-?[a-z]\w*\."[^"]*$/i;

/** What a typed filter means, or what is wrong with it. */
export function parse(typed: string): Compiled {
  let filter: TraceFilter = {};
  const words: string[] = [];
  let at = 0;
  while (at < typed.length) {
    if (/\s/.test(typed[at] ?? "")) {
      at += 1;
      continue;
    }
    const found = termAt(typed, at);
    const compiled = found && (found.isOpen ? UNCLOSED : compile(found.term));
    if (compiled && "problem" in compiled) return compiled;
    if (found && compiled) {
      filter = merge(filter, compiled.filter);
      at = found.end;
      continue;
    }
    const word = readAt(VALUE, typed, at);
    if (!word || OPEN_KEY.test(typed.slice(at))) return UNCLOSED;
    at += word[0].length;
    if (word[0] === "errors") filter.errors = true;
    else if (word[0] === "-errors") filter = merge(filter, { filter: [ERRORS] });
    else words.push(word[1] ?? word[0]);
  }
  if (words.length) filter.search = words.join(" ");
  return { filter };
}
