/** What the addresses may carry; anything else in them is dropped. */
import type { Condition, TraceFilter } from "../api/queries.ts";
import { isRange } from "../api/ranges.ts";

export interface TracesSearch extends TraceFilter {
  /** The trace in the slide-over. */
  peek?: string;
  /** The observation chosen in it. */
  observation?: string;
  paused?: boolean;
}

type Raw = Record<string, unknown>;

const text = (value: unknown): string | undefined =>
  typeof value === "string" || typeof value === "number" ? String(value) || undefined : undefined;

function texts(value: unknown): string[] | undefined {
  const found = [value]
    .flat()
    .map(text)
    .filter((each) => each !== undefined);
  return found.length ? found : undefined;
}

const isCondition = (value: unknown): value is Condition =>
  typeof value === "object" &&
  value !== null &&
  ["type", "column", "operator"].every((name) => typeof (value as Raw)[name] === "string");

/** Conditions in the shape of the API, which says itself what is wrong with one of that shape. */
function conditions(value: unknown): Condition[] | undefined {
  const found = [value].flat().filter(isCondition);
  return found.length ? found : undefined;
}

const range = (value: unknown): string | undefined => {
  const found = text(value);
  return found && isRange(found) ? found : undefined;
};

const instant = (value: unknown): string | undefined => {
  const found = text(value);
  return found && !Number.isNaN(Date.parse(found)) ? found : undefined;
};

export const readTracesSearch = (raw: Raw): TracesSearch => ({
  search: text(raw.search),
  errors: raw.errors === true || undefined,
  environment: texts(raw.environment),
  name: text(raw.name),
  userId: text(raw.userId),
  sessionId: text(raw.sessionId),
  tag: texts(raw.tag),
  filter: conditions(raw.filter),
  range: range(raw.range),
  from: instant(raw.from),
  to: instant(raw.to),
  peek: text(raw.peek),
  observation: text(raw.observation),
  paused: raw.paused === true || undefined,
});

export const readObservationSearch = (raw: Raw): { observation?: string } => ({
  observation: text(raw.observation),
});

/** Only a path of this site: never a way to send a person elsewhere. */
export const readSignInSearch = (raw: Raw): { to?: string } => {
  const to = text(raw.to);
  return { to: to && /^\/(?![/\\])/.test(to) ? to : undefined };
};
