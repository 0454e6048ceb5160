import type { InfiniteData } from "@tanstack/react-query";
import type { TracePage, TraceRow } from "~/api/types.ts";

type Pages = InfiniteData<TracePage>;

const newestFirst = (a: TraceRow, b: TraceRow) => Date.parse(b.timestamp) - Date.parse(a.timestamp);

/** Puts the newest page into what is loaded: known rows in place, unknown ones on top when they may come in. */
export function admit(
  pages: Pages,
  newest: TracePage,
  mayEnter: boolean,
): { pages: Pages; arrived: TraceRow[] } {
  const known = new Set(pages.pages.flatMap((page) => page.data.map((row) => row.id)));
  const current = new Map(newest.data.map((row) => [row.id, row]));
  const arrived = newest.data.filter((row) => !known.has(row.id));
  const updated = pages.pages.map((page) => ({
    ...page,
    data: page.data.map((row) => current.get(row.id) ?? row),
  }));
  const [first, ...others] = updated;
  if (!mayEnter || !first) return { pages: { ...pages, pages: updated }, arrived };
  // A whole page of strangers: there may be more between it and what is loaded, so begin again from it.
  const isGap = arrived.length === newest.data.length && newest.meta.cursor !== null && known.size > 0;
  if (isGap) return { pages: { pages: [newest], pageParams: [""] }, arrived };
  const top = { ...first, data: [...arrived, ...first.data].sort(newestFirst) };
  return { pages: { ...pages, pages: [top, ...others] }, arrived };
}
