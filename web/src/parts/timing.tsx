import { SERIES } from "./charts/colors.ts";
import { duration } from "./format.ts";
import { useIsDark } from "./theme.ts";

/** A stage keeps its colour everywhere. */
const STAGES = ["preprocess", "encode", "bridge", "prefill", "decode", "looked"];

/** How long each stage of an answer took, as one thin bar. */
export function TimingBar({ timingsMs }: { timingsMs: Record<string, number> }) {
  const colors = SERIES[useIsDark() ? "dark" : "light"];
  const stages = STAGES.filter((stage) => (timingsMs[stage] ?? 0) > 0);
  const total = stages.reduce((sum, stage) => sum + (timingsMs[stage] ?? 0), 0);
  if (!total) return null;
  const parts = stages.map((stage) => ({
    stage,
    ms: timingsMs[stage] ?? 0,
    color: colors[STAGES.indexOf(stage)],
  }));
  return (
    <div>
      <div className="flex h-1.5 gap-px overflow-hidden rounded-full" aria-hidden="true">
        {parts.map(({ stage, ms, color }) => (
          <span
            key={stage}
            className="h-full min-w-0.5"
            style={{ flexGrow: ms, flexBasis: 0, background: color }}
          />
        ))}
      </div>
      <ul className="mt-1 flex flex-wrap gap-x-3 text-12 text-ink-3">
        {parts.map(({ stage, ms, color }) => (
          <li key={stage} className="inline-flex items-center gap-1">
            <span className="size-2 rounded-full" style={{ background: color }} aria-hidden="true" />
            {stage} <span className="tabular text-ink-2">{duration(ms)}</span>
          </li>
        ))}
        <li className="tabular">{duration(total)} in all</li>
      </ul>
    </div>
  );
}
