import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import { series, type TraceFilter } from "../../api/queries.ts";
import type { Bucket } from "../../api/types.ts";
import { count, duration, significant } from "../format.ts";
import type { Line } from "./chart.tsx";

const Chart = lazy(() => import("./chart.tsx"));

interface TrioProps {
  projectId: string;
  filter: TraceFilter;
  onZoom: (from: string, to: string) => void;
}

/** Names in an order that does not change with the data of the moment: the same score, the same colour. */
function scoreNames(buckets: Bucket[]): string[] {
  return [...new Set(buckets.flatMap((bucket) => Object.keys(bucket.scores)))].sort().slice(0, 4);
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

/** Volume with errors, latency percentiles, scores: three small charts under the list's own filter. */
export function ChartTrio({ projectId, filter, onZoom }: TrioProps) {
  const { data } = useQuery(series(projectId, filter));
  const buckets = useMemo(() => data?.data ?? [], [data]);
  const { volume, latency, scores } = useMemo(() => lines(buckets), [buckets]);
  const common = { starts: buckets.map((each) => each.start), step_s: data?.stepSeconds ?? 60, onZoom };
  const total = buckets.reduce((sum, each) => sum + each.count, 0);
  const errors = buckets.reduce((sum, each) => sum + each.errors, 0);
  return (
    <div className="grid shrink-0 grid-cols-1 border-b border-line sm:grid-cols-3 sm:divide-x sm:divide-line">
      <Panel title="Traces" summary={`${count(total)}${errors ? ` · ${count(errors)} with errors` : ""}`}>
        <Chart {...common} label="Traces over time" lines={volume} format={count} />
      </Panel>
      <Panel title="Latency" summary="p50 and p95" isSecondary>
        <Chart {...common} label="Latency over time" lines={latency} format={duration} />
      </Panel>
      <Panel title="Scores" summary={scores.map((line) => line.name).join(", ") || "none yet"} isSecondary>
        <Chart
          {...common}
          label="Mean scores over time"
          lines={scores}
          format={(value) => significant(value, 2)}
        />
      </Panel>
    </div>
  );
}

interface PanelProps {
  title: string;
  summary: string;
  isSecondary?: boolean;
  children: React.ReactNode;
}

function Panel({ title, summary, isSecondary, children }: PanelProps) {
  return (
    <section className={`min-w-0 px-4 py-2 ${isSecondary ? "hidden sm:block" : ""}`} aria-label={title}>
      <h2 className="flex items-baseline gap-2 text-12">
        <span className="font-medium">{title}</span>
        <span className="tabular truncate text-ink-3">{summary}</span>
      </h2>
      <div className="h-20">
        <Suspense fallback={<div className="skeleton mt-2 h-16" />}>{children}</Suspense>
      </div>
    </section>
  );
}
