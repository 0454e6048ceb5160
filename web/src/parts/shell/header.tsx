import { ChevronLeft, ChevronRight, Pause, Play } from "lucide-react";
import type { ReactNode } from "react";
import type { Liveness } from "../../live/hints.ts";
import { IconButton } from "../button.tsx";
import { fullTime } from "../format.ts";
import { useTitle } from "../title.ts";
import { Chooser } from "./select.tsx";

export function PageHeader({ title, children }: { title: ReactNode; children?: ReactNode }) {
  useTitle(typeof title === "string" ? title : undefined);
  return (
    <header className="flex min-h-12 shrink-0 flex-wrap items-center gap-x-2 gap-y-1 border-b border-line px-4 py-1.5">
      <h1 className="mr-auto truncate text-16 font-semibold">{title}</h1>
      {children}
    </header>
  );
}

const PRESETS = [
  { id: "15m", label: "Last 15 minutes", span_s: 900 },
  { id: "1h", label: "Last hour", span_s: 3600 },
  { id: "24h", label: "Last 24 hours", span_s: 86_400 },
  { id: "7d", label: "Last 7 days", span_s: 604_800 },
  { id: "30d", label: "Last 30 days", span_s: 2_592_000 },
  { id: "all", label: "All time", span_s: null },
];

export interface TimeRange {
  range?: string;
  from?: string;
  to?: string;
}

interface TimeRangeProps {
  value: TimeRange;
  onChange: (next: TimeRange) => void;
}

/** The span of a range in absolute time, or null where it has no beginning. */
function absolute({ range = "24h", from, to }: TimeRange): { from_ms: number; to_ms: number } | null {
  const to_ms = to ? Date.parse(to) : Date.now();
  if (from) return { from_ms: Date.parse(from), to_ms };
  const span_s = PRESETS.find((preset) => preset.id === range)?.span_s;
  return span_s ? { from_ms: to_ms - span_s * 1000, to_ms } : null;
}

/** Presets, and steps of one whole range back and forward. */
export function TimeRangePicker({ value, onChange }: TimeRangeProps) {
  const span = absolute(value);
  const isCustom = Boolean(value.from ?? value.to);
  const step = (direction: 1 | -1) => {
    if (!span) return;
    const by_ms = (span.to_ms - span.from_ms) * direction;
    if (span.to_ms + by_ms >= Date.now()) return onChange({ range: value.range });
    onChange({
      range: value.range,
      from: new Date(span.from_ms + by_ms).toISOString(),
      to: new Date(span.to_ms + by_ms).toISOString(),
    });
  };
  const custom = isCustom && span ? [{ id: "custom", label: rangeText(span.from_ms, span.to_ms) }] : [];
  return (
    <div className="flex items-center">
      <IconButton label="Earlier" disabled={!span} onClick={() => step(-1)}>
        <ChevronLeft size={15} />
      </IconButton>
      <Chooser
        label="Time range"
        choices={[...custom, ...PRESETS]}
        value={isCustom ? "custom" : (value.range ?? "24h")}
        onChange={(range) => range !== "custom" && onChange({ range })}
      />
      <IconButton label="Later" disabled={!isCustom} onClick={() => step(1)}>
        <ChevronRight size={15} />
      </IconButton>
    </div>
  );
}

const short = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const rangeText = (from_ms: number, to_ms: number) => short.formatRange(from_ms, to_ms);

interface LiveDotProps {
  liveness: Liveness;
  onPause: (isPaused: boolean) => void;
  lastHint?: string;
}

const DOTS: Record<Liveness, { text: string; dot: string }> = {
  live: { text: "Live", dot: "bg-accent pulse" },
  connecting: { text: "Connecting", dot: "bg-amber" },
  paused: { text: "Paused", dot: "bg-ink-3" },
};

export function LiveDot({ liveness, onPause, lastHint }: LiveDotProps) {
  const { text, dot } = DOTS[liveness];
  const isPaused = liveness === "paused";
  return (
    <span
      className="inline-flex items-center gap-1.5 text-12 text-ink-2"
      title={lastHint ? `Last change ${fullTime(lastHint)}` : undefined}
    >
      <span className={`size-2 rounded-full ${dot}`} aria-hidden="true" />
      <span role="status" className="sr-only sm:not-sr-only">
        {text}
      </span>
      <IconButton label={isPaused ? "Resume live" : "Pause live"} onClick={() => onPause(!isPaused)}>
        {isPaused ? <Play size={13} /> : <Pause size={13} />}
      </IconButton>
    </span>
  );
}
