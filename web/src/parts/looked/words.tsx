import { Pin } from "lucide-react";
import { useRef } from "react";
import type { LookedState } from "./state.ts";

/** The words of an answer; pointing, or walking with the arrow keys, lays a word's map over the image. */
export function LookedWords({ state }: { state: LookedState }) {
  const box = useRef<HTMLDivElement>(null);
  const walk = (event: React.KeyboardEvent, index: number) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const last = state.looked.words.length - 1;
    const to = step ? Math.min(last, Math.max(0, index + step)) : { Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    box.current?.querySelectorAll("button")[to]?.focus();
  };
  return (
    <div
      ref={box}
      role="toolbar"
      aria-label="Words of the answer: point at one to see where the model looked"
      className="flex flex-wrap gap-1"
      onPointerLeave={() => state.point(null)}
    >
      {state.looked.words.map((word, index) => {
        const isPinned = state.pinned.includes(index);
        const isShown = state.shown.includes(index);
        return (
          <button
            // biome-ignore lint/suspicious/noArrayIndexKey: words repeat, their order never changes
            key={index}
            type="button"
            aria-pressed={isPinned}
            tabIndex={index === (state.pointed ?? 0) ? 0 : -1}
            onPointerEnter={() => state.point(index)}
            onFocus={() => state.point(index)}
            onBlur={() => state.point(null)}
            onKeyDown={(event) => walk(event, index)}
            onClick={() => state.pin(index)}
            className={`inline-flex h-7 items-center gap-1 rounded border px-2 text-14 transition-colors duration-100 ${
              isShown
                ? "border-accent bg-accent-soft text-ink"
                : "border-line bg-canvas hover:border-line-strong"
            }`}
          >
            {word.text.trim() || "␣"}
            {isPinned && <Pin size={11} className="text-accent" aria-label="pinned" />}
          </button>
        );
      })}
    </div>
  );
}
