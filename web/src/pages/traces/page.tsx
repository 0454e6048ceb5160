import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ArrowUp, ChartNoAxesCombined } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo, useRef, useState } from "react";
import type { TraceFilter } from "~/api/queries.ts";
import type { TraceRow } from "~/api/types.ts";
import { useHints } from "~/live/hints.ts";
import { Button, IconButton } from "~/parts/button.tsx";
import { ChartTrio } from "~/parts/charts/trio.tsx";
import { FilterBar } from "~/parts/filter/bar.tsx";
import type { Seen } from "~/parts/filter/complete.ts";
import { useKept } from "~/parts/kept.ts";
import { useKeys } from "~/parts/keys.ts";
import type { TracesSearch } from "~/parts/search.ts";
import { LiveDot, PageHeader, TimeRangePicker } from "~/parts/shell/header.tsx";
import { Chooser } from "~/parts/shell/select.tsx";
import { Failure, Skeletons } from "~/parts/states.tsx";
import { ColumnMenu } from "./column-menu.tsx";
import { chosenColumns, HIDDEN_AT_FIRST } from "./columns.tsx";
import { useTraceList } from "./list.ts";
import { Nothing } from "./nothing.tsx";
import { Rows } from "./rows.tsx";

const SlideOver = lazy(() => import("~/parts/trace/slide-over.tsx"));
const route = getRouteApi("/project/$projectId/traces");
const SCROLLED_PX = 8;
/** How far down each list was left, so that a person finds it there again when they come back. */
const places = new Map<string, number>();

/** The part of the address that narrows the list; opening a row must not ask for the list again. */
function useFilter(search: TracesSearch): TraceFilter {
  const { peek: _peek, observation: _observation, paused: _paused, ...filter } = search;
  const text = JSON.stringify(filter);
  return useMemo(() => JSON.parse(text), [text]);
}

function seenIn(rows: TraceRow[]) {
  const distinct = (values: (string | null)[]) =>
    [...new Set(values.filter((value) => value !== null))].sort();
  return {
    name: distinct(rows.map((row) => row.name)),
    environment: distinct(rows.map((row) => row.environment)),
    userId: distinct(rows.map((row) => row.userId)),
    sessionId: distinct(rows.map((row) => row.sessionId)),
    tags: distinct(rows.flatMap((row) => row.tags)),
    scores: distinct(rows.flatMap((row) => row.scores.map((score) => score.name))),
  } satisfies Seen;
}

const isFiltered = ({ range: _range, from: _from, to: _to, ...rest }: TraceFilter) =>
  Object.values(rest).some((value) => value !== undefined);
const isAllTime = ({ range, from, to }: TraceFilter) => range === "all" && !from && !to;

export default function Traces() {
  const { projectId } = route.useParams();
  const search = route.useSearch();
  const go = route.useNavigate();
  const filter = useFilter(search);
  const place = `${projectId} ${JSON.stringify(filter)}`;
  const queries = useQueryClient();
  const scroller = useRef<HTMLDivElement>(null);
  const [isScrolled, setScrolled] = useState(false);
  const [cursor, setCursor] = useState<string>();
  const [isWalking, setWalking] = useState(false);
  const [kept, keep] = useKept<Record<string, boolean>>("traces.columns", HIDDEN_AT_FIRST);
  const visibility = chosenColumns(kept);
  const [hasCharts, setCharts] = useKept("traces.charts", true);

  const selected = search.peek ?? cursor;
  const { list, rows, fresh, waiting, showWaiting, onHint } = useTraceList(
    projectId,
    filter,
    isScrolled || isWalking || search.peek !== undefined,
  );
  const liveness = useHints(projectId, search.paused ?? false, () => {
    onHint();
    queries.invalidateQueries({ queryKey: ["series", projectId] });
    if (search.peek) queries.invalidateQueries({ queryKey: ["trace", projectId, search.peek] });
  });

  const set = useCallback(
    (patch: Partial<TracesSearch>, replace = false) =>
      go({ search: (before) => ({ ...before, ...patch }), replace }),
    [go],
  );
  const peek = useCallback((id: string | undefined) => set({ peek: id, observation: undefined }), [set]);
  const step = (by: 1 | -1) => {
    const at = rows.findIndex((row) => row.id === selected);
    const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))]?.id;
    if (!next) return false;
    if (search.peek) set({ peek: next, observation: undefined }, true);
    setCursor(next);
    setWalking(true);
  };
  const close = () => {
    if (!selected) return false;
    setCursor(search.peek);
    setWalking(false);
    if (search.peek) peek(undefined);
  };
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    enter: () => !search.peek && cursor !== undefined && peek(cursor),
    escape: close,
  });

  const { hasNextPage, isFetching, fetchNextPage } = list;
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetching) fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  const seen = useMemo(() => seenIn(rows), [rows]);

  return (
    <>
      <PageHeader title="Traces">
        <Environment
          seen={seen.environment}
          value={search.environment}
          onChange={(environment) => set({ environment })}
        />
        <TimeRangePicker
          value={search}
          onChange={(next) => set({ range: next.range, from: next.from, to: next.to })}
        />
        <LiveDot liveness={liveness} onPause={(paused) => set({ paused: paused || undefined }, true)} />
      </PageHeader>
      {hasCharts && (list.isPending || rows.length > 0 || isFiltered(filter) || search.from) && (
        <ChartTrio projectId={projectId} filter={filter} onZoom={(from, to) => set({ from, to })} />
      )}
      <FilterBar
        filter={filter}
        seen={seen}
        onChange={(next) => go({ search: { ...next, paused: search.paused } })}
      >
        {waiting > 0 && (
          <Button
            look="primary"
            className="fade-in"
            onClick={() => {
              scroller.current?.scrollTo({ top: 0 });
              showWaiting();
            }}
          >
            <ArrowUp size={13} aria-hidden="true" /> {waiting >= 50 ? "50+" : waiting} new
          </Button>
        )}
        <Button
          aria-pressed={search.errors === true}
          onClick={() => set({ errors: search.errors ? undefined : true })}
          className="aria-pressed:border-red aria-pressed:text-red"
        >
          Errors
        </Button>
        <IconButton label="Charts" aria-pressed={hasCharts} onClick={() => setCharts(!hasCharts)}>
          <ChartNoAxesCombined size={15} />
        </IconButton>
        <span className="hidden md:inline">
          <ColumnMenu visibility={visibility} onChange={keep} />
        </span>
      </FilterBar>
      {list.error && !rows.length ? <Failure error={list.error} retry={list.refetch} /> : null}
      {list.isPending ? <Skeletons /> : null}
      {list.isSuccess && !rows.length ? (
        <div className="min-h-0 flex-1 overflow-auto">
          <Nothing
            projectId={projectId}
            isFiltered={isFiltered(filter)}
            isAllTime={isAllTime(filter)}
            searchAllTime={() => set({ range: "all", from: undefined, to: undefined })}
            clear={() => go({ search: ({ range, from, to, paused }) => ({ range, from, to, paused }) })}
            words={search.search?.includes("*") ? undefined : search.search}
            searchPieces={(pieces) => set({ search: pieces })}
          />
        </div>
      ) : null}
      {rows.length > 0 && (
        <Rows
          rows={rows}
          fresh={fresh}
          selected={selected}
          visibility={visibility}
          scroller={scroller}
          loadMore={loadMore}
          startAt={places.get(place) ?? 0}
          onScroll={(top) => {
            places.set(place, top);
            setScrolled(top > SCROLLED_PX);
          }}
          open={peek}
        />
      )}
      {search.peek && (
        <Suspense>
          <SlideOver
            projectId={projectId}
            traceId={search.peek}
            observationId={search.observation}
            choose={(observation) => set({ observation }, true)}
            step={step}
            close={close}
          />
        </Suspense>
      )}
    </>
  );
}

interface EnvironmentProps {
  seen: string[];
  value: string[] | undefined;
  onChange: (next: string[] | undefined) => void;
}

function Environment({ seen, value, onChange }: EnvironmentProps) {
  const names = [...new Set([...seen, ...(value ?? [])])].sort();
  const several = (value?.length ?? 0) > 1 ? [{ id: "several", label: `${value?.length} environments` }] : [];
  return (
    <span className="hidden sm:inline">
      <Chooser
        label="Environment"
        choices={[
          { id: "all", label: "All environments" },
          ...several,
          ...names.map((id) => ({ id, label: id })),
        ]}
        value={several.length ? "several" : (value?.[0] ?? "all")}
        onChange={(id) => id !== "several" && onChange(id === "all" ? undefined : [id])}
      />
    </span>
  );
}
