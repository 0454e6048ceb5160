import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { firstPage, type TraceFilter, traces } from "~/api/queries.ts";
import type { TraceRow } from "~/api/types.ts";
import { admit } from "./admit.ts";

const TINT_MS = 4000;
const BETWEEN_LOOKS_MS = 600;

/** The rows of a list, what just arrived in it, and what waits until the person is done reading. */
export function useTraceList(projectId: string, filter: TraceFilter, isReading: boolean) {
  const queries = useQueryClient();
  const options = useMemo(() => traces(projectId, filter), [projectId, filter]);
  const list = useInfiniteQuery(options);
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const [waiting, setWaiting] = useState(0);
  const reading = useRef(isReading);
  reading.current = isReading;

  const look = useCallback(
    async (mayEnter: boolean) => {
      const before = queries.getQueryData(options.queryKey);
      if (!before) return;
      const newest = await firstPage(projectId, filter);
      const { pages, arrived } = admit(queries.getQueryData(options.queryKey) ?? before, newest, mayEnter);
      queries.setQueryData(options.queryKey, pages);
      setWaiting(mayEnter ? 0 : arrived.length);
      if (mayEnter && arrived.length) setFresh(new Set(arrived.map((row) => row.id)));
    },
    [queries, options, projectId, filter],
  );
  const onHint = useCoalesced(useCallback(() => look(!reading.current), [look]));
  const showWaiting = useCallback(() => look(true), [look]);

  const isDone = waiting > 0 && !isReading;
  useEffect(() => {
    if (isDone) onHint();
  }, [isDone, onHint]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter is another list
  useEffect(() => setWaiting(0), [options]);
  useEffect(() => {
    if (!fresh.size) return;
    const timer = setTimeout(() => setFresh(new Set()), TINT_MS);
    return () => clearTimeout(timer);
  }, [fresh]);

  const rows = useMemo(() => unique(list.data?.pages.flatMap((page) => page.data) ?? []), [list.data]);
  return { list, rows, fresh, waiting, showWaiting, onHint };
}

function unique(rows: TraceRow[]): TraceRow[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}

/** Runs a task now or soon: never twice at once, and once more when asked while it ran. */
function useCoalesced(task: () => Promise<void>): () => void {
  const state = useRef({ isBusy: false, isAsked: false });
  const latest = useRef(task);
  latest.current = task;
  return useCallback(() => {
    const run = async () => {
      state.current = { isBusy: true, isAsked: false };
      // A refused look changes nothing; the next hint, or the person's own retry, looks again.
      await latest.current().catch(() => undefined);
      await new Promise((done) => setTimeout(done, BETWEEN_LOOKS_MS));
      state.current.isBusy = false;
      if (state.current.isAsked) run();
    };
    if (state.current.isBusy) state.current.isAsked = true;
    else run();
  }, []);
}
