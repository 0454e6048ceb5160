import { useSyncExternalStore } from "react";
import { ago, fullTime } from "./format.ts";

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
