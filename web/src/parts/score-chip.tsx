import type { Score } from "../api/types.ts";
import { scoreText } from "./format.ts";

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
