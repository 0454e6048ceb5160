import { Grid3x3, Waves } from "lucide-react";
import { IconButton } from "../button.tsx";
import { significant } from "../format.ts";
import { GRADIENT } from "./scale.ts";
import type { LookedState } from "./state.ts";

const METHODS: Record<string, string> = {
  gradient: "gradient × cross-attention",
  live: "cross-attention, forward only",
};

/** The legend with its numbers, the opacity, and grid or smooth. */
export function LookedControls({ state }: { state: LookedState }) {
  const most = state.shown.length ? `${significant(state.most * 100, 2)} %` : "most";
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-12 text-ink-3">
      <span className="inline-flex items-center gap-1.5" title="Share of the word's attention in one patch">
        0
        <span className="h-2 w-24 rounded-full" style={{ background: GRADIENT }} aria-hidden="true" />
        <span className="tabular inline-block min-w-9">{most}</span>
      </span>
      <label className="inline-flex items-center gap-1.5">
        Opacity
        <input
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={state.opacity}
          onChange={(event) => state.setOpacity(event.target.valueAsNumber)}
          className="h-4 w-20 accent-accent"
        />
      </label>
      <span className="inline-flex">
        <IconButton label="Grid" aria-pressed={!state.isSmooth} onClick={() => state.setSmooth(false)}>
          <Grid3x3 size={14} />
        </IconButton>
        <IconButton label="Smooth" aria-pressed={state.isSmooth} onClick={() => state.setSmooth(true)}>
          <Waves size={14} />
        </IconButton>
      </span>
      {state.looked.method && <span>{METHODS[state.looked.method] ?? state.looked.method}</span>}
    </div>
  );
}
