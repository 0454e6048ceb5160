import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useMemo } from "react";
import { series, type TraceFilter } from "../../api/queries.ts";
import type { Bucket } from "../../api/types.ts";
import { count, duration, significant } from "../format.ts";
import { useIsDark } from "../theme.ts";
import type { Line } from "./chart.tsx";
import { SERIES } from "./colors.ts";

const Chart = lazy(() => import("./chart.tsx"));
const MOST_SCORES = 4;

interface TrioProps {
  projectId: string;
  filter: TraceFilter;
  onZoom: (from: string, to: string) => void;
}

/** Names in an order that does not change with the data of the moment: the same score, the same colour. */
function scoreNames(buckets: Bucket[]): string[] {
  return [...new Set(buckets.flatMap((bucket) => Object.keys(bucket.scores)))].sort().slice(0, MOST_SCORES);
}

function lines(buckets: Bucket[]) {
  const volume: Line[] = [
    { name: "traces", color: 0, kind: "bar", values: buckets.map((each) => each.count - each.errors) },
    { name: "with errors", color: "red", kind: "bar", values: buckets.map((each) => each.errors) },
  ];
  const latency: Line[] = [
    { name: "p50", color: 4, kind: "line", values: buckets.map((each) => each.p50Ms) },
    { name: "p95", color: 0, kind: "line", values: buckets.map((each) => each.p95Ms) },
  ];
  const scores: Line[] = scoreNames(buckets).map((name, index) => ({
    name,
    color: index + 1,
    kind: "line",
    values: buckets.map((each) => each.scores[name] ?? null),
  }));
  return { volume, latency, scores };
}

const total = (line: Line) => line.values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
const latest = (line: Line) => line.values.findLast((value) => value !== null) ?? null;
const score = (value: number) => significant(value, 2);

/** Volume with errors, latency percentiles, scores: three small charts under the list's own filter. */
export function ChartTrio({ projectId, filter, onZoom }: TrioProps) {
  const { data } = useQuery(series(projectId, filter));
  const buckets = useMemo(() => data?.data ?? [], [data]);
  const starts = useMemo(() => buckets.map((each) => each.start), [buckets]);
  const { volume, latency, scores } = useMemo(() => lines(buckets), [buckets]);
  const common = { starts, step_s: data?.stepSeconds ?? 60, onZoom };
  return (
    <div className="grid shrink-0 grid-cols-1 border-b border-line sm:grid-cols-3 sm:divide-x sm:divide-line">
      <Panel title="Volume" lines={volume} value={total} format={count}>
        <Chart {...common} label="Traces over time" lines={volume} format={count} />
      </Panel>
      <Panel title="Latency" lines={latency} value={latest} format={duration} isSecondary>
        <Chart {...common} label="Latency over time" lines={latency} format={duration} />
      </Panel>
      <Panel title="Scores" lines={scores} value={latest} format={score} isSecondary>
        <Chart {...common} label="Mean scores over time" lines={scores} format={score} />
      </Panel>
    </div>
  );
}

interface PanelProps {
  title: string;
  lines: Line[];
  /** What of a line stands beside its name: its sum, or its newest value. */
  value: (line: Line) => number | null;
  format: (value: number) => string;
  isSecondary?: boolean;
  children: ReactNode;
}

function Panel({ title, lines: all, value, format, isSecondary, children }: PanelProps) {
  const colors = SERIES[useIsDark() ? "dark" : "light"];
  return (
    <section className={`min-w-0 px-4 py-2 ${isSecondary ? "hidden sm:block" : ""}`} aria-label={title}>
      <header className="flex h-4 items-center gap-3 overflow-hidden text-12">
        <h2 className="font-medium">{title}</h2>
        {all.map((line) => {
          const background = line.color === "red" ? "var(--red)" : colors[line.color];
          const figure = value(line);
          return (
            <span key={line.name} className="inline-flex items-center gap-1.5 whitespace-nowrap text-ink-3">
              <span className="size-2 rounded-full" style={{ background }} aria-hidden="true" />
              {line.name}
              {figure !== null && <span className="tabular text-ink-2">{format(figure)}</span>}
            </span>
          );
        })}
        {!all.length && <span className="text-ink-3">none in this time</span>}
      </header>
      <div className="h-20">
        <Suspense fallback={<div className="skeleton mt-2 h-16" />}>{children}</Suspense>
      </div>
    </section>
  );
}
