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
const STEPS = 60;

interface TrioProps {
  projectId: string;
  filter: TraceFilter;
  onZoom: (from: string, to: string) => void;
}

/** Names in an order that does not change with the data of the moment: the same score, the same colour. */
function scoreNames(buckets: Bucket[]): string[] {
  return [...new Set(buckets.flatMap((bucket) => Object.keys(bucket.scores)))].sort();
}

function lines(buckets: Bucket[], whole: Bucket | null | undefined) {
  const line = (
    name: string,
    color: Line["color"],
    kind: Line["kind"],
    of: (bucket: Bucket) => number | null,
  ): Line => ({ name, color, kind, values: buckets.map(of), figure: whole ? of(whole) : null });
  const names = scoreNames(buckets);
  return {
    volume: [
      line("traces", 0, "bar", (each) => each.count),
      line("with errors", "red", "bar", (each) => each.errors),
    ],
    latency: [line("p50", 4, "line", (each) => each.p50Ms), line("p95", 0, "line", (each) => each.p95Ms)],
    scores: names
      .slice(0, MOST_SCORES)
      .map((name, index) => line(name, index + 1, "line", (each) => each.scores[name] ?? null)),
    hidden: names.slice(MOST_SCORES),
  };
}

const score = (value: number) => significant(value, 2);

/** Volume with errors, latency percentiles, scores: three small charts under the list's own filter. */
export function ChartTrio({ projectId, filter, onZoom }: TrioProps) {
  const { data } = useQuery(series(projectId, filter, STEPS));
  const whole = data?.whole;
  const buckets = useMemo(() => data?.data ?? [], [data]);
  const starts = useMemo(() => buckets.map((each) => each.start), [buckets]);
  const { volume, latency, scores, hidden } = useMemo(() => lines(buckets, whole), [buckets, whole]);
  const common = { starts, step_s: data?.stepSeconds ?? 60, onZoom };
  return (
    <div className="grid shrink-0 grid-cols-1 border-b border-line sm:grid-cols-3 sm:divide-x sm:divide-line">
      <Panel title="Volume" lines={volume} format={count} isPending={!data}>
        <Chart {...common} label="Traces over time" lines={volume} format={count} />
      </Panel>
      <Panel title="Latency" lines={latency} format={duration} isPending={!data} isSecondary>
        <Chart {...common} label="Latency over time" lines={latency} format={duration} />
      </Panel>
      <Panel title="Scores" lines={scores} hidden={hidden} format={score} isPending={!data} isSecondary>
        <Chart {...common} label="Mean scores over time" lines={scores} format={score} />
      </Panel>
    </div>
  );
}

const WAIT = <div className="skeleton mt-2 h-16" />;

interface PanelProps {
  title: string;
  lines: Line[];
  /** Names that the chart has no room for. */
  hidden?: string[];
  format: (value: number) => string;
  isPending: boolean;
  isSecondary?: boolean;
  children: ReactNode;
}

function Panel({ title, lines: all, hidden = [], format, isPending, isSecondary, children }: PanelProps) {
  const colors = SERIES[useIsDark() ? "dark" : "light"];
  return (
    <section className={`min-w-0 px-4 py-2 ${isSecondary ? "hidden sm:block" : ""}`} aria-label={title}>
      <header className="flex h-4 flex-wrap items-center gap-x-3 gap-y-1 overflow-hidden text-12">
        <h2 className="font-medium">{title}</h2>
        {hidden.length > 0 && (
          <span className="tabular text-ink-3" title={`Not drawn: ${hidden.join(", ")}`}>
            {all.length} of {all.length + hidden.length}
          </span>
        )}
        {all.map((line) => {
          const background = line.color === "red" ? "var(--red)" : colors[line.color];
          return (
            <span
              key={line.name}
              className="inline-flex max-w-36 items-center gap-1.5 whitespace-nowrap text-ink-3"
            >
              <span className="size-2 shrink-0 rounded-full" style={{ background }} aria-hidden="true" />
              <span className="truncate" title={line.name}>
                {line.name}
              </span>
              {line.figure !== null && <span className="tabular text-ink-2">{format(line.figure)}</span>}
            </span>
          );
        })}
        {!isPending && !all.length && <span className="text-ink-3">none in this time</span>}
      </header>
      <div className="h-20">{isPending ? WAIT : <Suspense fallback={WAIT}>{children}</Suspense>}</div>
    </section>
  );
}
