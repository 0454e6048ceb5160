import type { ReactNode } from "react";

/** One measured fact: a small label over its value. */
export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <span className="inline-flex items-baseline gap-1.5 whitespace-nowrap">
      <span className="text-12 text-ink-3">{label}</span>
      <span className="tabular">{children}</span>
    </span>
  );
}
