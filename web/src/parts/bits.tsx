import { Check, Copy, X } from "lucide-react";
import { type ReactNode, useSyncExternalStore } from "react";
import type { Score } from "../api/types.ts";
import { IconButton } from "./button.tsx";
import { useCopy } from "./copy.ts";
import { ago, fullTime, scoreText, shortId } from "./format.ts";

interface CopyButtonProps {
  text: string;
  label?: string;
  icon?: ReactNode;
}

/** Copies a text and says for a moment that it did, or that it could not. */
export function CopyButton({ text, label = "Copy", icon = <Copy size={14} /> }: CopyButtonProps) {
  const [state, copy] = useCopy();
  return (
    <>
      <IconButton
        label={{ no: label, copied: "Copied", failed: "Not copied" }[state]}
        onClick={(event) => {
          event.stopPropagation();
          copy(text);
        }}
      >
        {state === "no" && icon}
        {state === "copied" && <Check size={14} className="text-accent" />}
        {state === "failed" && <X size={14} className="text-red" />}
      </IconButton>
      {state === "failed" && (
        <span role="alert" className="font-sans text-12 whitespace-nowrap text-red">
          Not copied: select the text instead
        </span>
      )}
    </>
  );
}

export function Id({ value }: { value: string }) {
  return (
    <span className="inline-flex items-center font-mono text-12 text-ink-3" title={value}>
      {shortId(value)}
      <CopyButton text={value} label="Copy id" />
    </span>
  );
}

const listeners = new Set<() => void>();
let now_ms = Date.now();
setInterval(() => {
  now_ms = Date.now();
  for (const listener of listeners) listener();
}, 10_000);

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** How long ago, kept current; the absolute time in the person's zone on hover. */
export function Ago({ at }: { at: string }) {
  const now = useSyncExternalStore(subscribe, () => now_ms);
  return (
    <time dateTime={at} title={fullTime(at)} className="tabular">
      {ago(at, now)}
    </time>
  );
}

export function Tag({ children, tone = "plain" }: { children: ReactNode; tone?: "plain" | "red" | "amber" }) {
  const tones = {
    plain: "bg-sunken text-ink-2",
    red: "bg-red-soft text-red",
    amber: "bg-amber-soft text-amber",
  };
  return (
    <span
      className={`inline-flex h-5 max-w-60 items-center rounded-sm px-1.5 text-12 whitespace-nowrap ${tones[tone]}`}
    >
      <bdi className="truncate">{children}</bdi>
    </span>
  );
}

export function ScoreChip({ score }: { score: Score }) {
  return (
    <span
      className="inline-flex h-5 max-w-[min(100%,15rem)] min-w-0 items-center gap-1 rounded-sm border border-line px-1.5 text-12 whitespace-nowrap"
      title={[`${score.name} ${scoreText(score)}`, score.source.toLowerCase(), score.comment]
        .filter(Boolean)
        .join(" · ")}
    >
      <bdi className="truncate text-ink-3">{score.name}</bdi>
      <span className="tabular max-w-32 shrink-0 truncate font-medium">{scoreText(score)}</span>
    </span>
  );
}

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded-sm border border-line-strong bg-panel px-1 font-mono text-12 text-ink-2">
      {children}
    </kbd>
  );
}

/** One measured fact: a small label over its value. */
export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <span className="inline-flex items-baseline gap-1.5 whitespace-nowrap">
      <span className="text-12 text-ink-3">{label}</span>
      <span className="tabular">{children}</span>
    </span>
  );
}
