import type { ReactNode } from "react";

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
