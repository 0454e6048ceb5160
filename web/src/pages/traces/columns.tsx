import { columnVisibilityFeature, createColumnHelper, tableFeatures } from "@tanstack/react-table";
import { ImageIcon, ImageOff } from "lucide-react";
import { useState } from "react";
import type { Score, TraceRow } from "~/api/types.ts";
import { Ago } from "~/parts/ago.tsx";
import { compact, cost, count, duration, exactly, scoreText, shortId } from "~/parts/format.ts";
import { ScoreChip } from "~/parts/score-chip.tsx";
import { Tag } from "~/parts/tag.tsx";

export const features = tableFeatures({ columnVisibilityFeature });
const column = createColumnHelper<typeof features, TraceRow>();

/** Each column's share of the row, and whether it holds numbers. */
export const WIDTHS: Record<string, { width: string; isNumber?: boolean }> = {
  image: { width: "28px" },
  name: { width: "minmax(96px, 1.1fr)" },
  input: { width: "minmax(80px, 2fr)" },
  output: { width: "minmax(80px, 2fr)" },
  latency: { width: "72px", isNumber: true },
  tokens: { width: "60px", isNumber: true },
  cost: { width: "92px", isNumber: true },
  scores: { width: "minmax(88px, 1.2fr)" },
  user: { width: "minmax(70px, 0.7fr)" },
  session: { width: "minmax(70px, 0.7fr)" },
  environment: { width: "90px" },
  tags: { width: "minmax(80px, 1fr)" },
  spans: { width: "56px", isNumber: true },
  id: { width: "76px" },
  time: { width: "56px", isNumber: true },
};

export const HIDDEN_AT_FIRST = {
  user: false,
  session: false,
  environment: false,
  tags: false,
  spans: false,
  id: false,
};

export function Thumbnail({ src, side }: { src: string | null; side: number }) {
  const [broken, setBroken] = useState<string>();
  if (!src) return null;
  if (src === broken) {
    return (
      <span
        className="inline-flex shrink-0 items-center justify-center rounded-sm bg-sunken align-middle text-ink-3"
        style={{ width: side, height: side }}
        title="This image cannot be shown"
      >
        <ImageOff size={14} role="img" aria-label="This image cannot be shown" />
      </span>
    );
  }
  return (
    <img
      src={src}
      onError={() => setBroken(src)}
      alt=""
      loading="lazy"
      width={side}
      height={side}
      className="rounded-sm bg-sunken object-cover"
      style={{ width: side, height: side }}
    />
  );
}

export function Name({ row }: { row: TraceRow }) {
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      {row.errorCount > 0 && (
        <span
          className="size-2 shrink-0 rounded-full bg-red"
          role="img"
          aria-label={`${row.errorCount} errors`}
        />
      )}
      <span dir="auto" className="truncate font-medium" title={row.name || row.id}>
        {row.name || shortId(row.id)}
      </span>
    </span>
  );
}

/** Nothing has taken any time in a trace without spans. */
export const latency = (row: TraceRow) => (row.observationCount ? duration(row.latencyMs) : "");

const clipped = (text: string | null) => (
  <span dir="auto" className="block truncate text-ink-2" title={text ?? undefined}>
    {text}
  </span>
);
const mono = (text: string | null, whole = text) => (
  <span className="block truncate font-mono text-12 text-ink-2" title={whole ?? undefined}>
    {text}
  </span>
);
const figure = (text: string, exact: string) => <span title={exact || undefined}>{text}</span>;

/** How many chips are seen by the width of their box: one, then two, then three. */
const CHIP = ["", "hidden @min-[180px]:flex", "hidden @min-[280px]:flex"];
const REST = [
  "@min-[180px]:hidden",
  "hidden @min-[180px]:inline @min-[280px]:hidden",
  "hidden @min-[280px]:inline",
];

/** The first scores, as many as there is room for, and how many more there are. */
export function Scores({ scores }: { scores: Score[] }) {
  const all = scores.map((score) => `${score.name} ${scoreText(score)}`).join("\n");
  return (
    <span className="@container block min-w-0">
      <span className="flex items-center gap-1">
        {scores.slice(0, CHIP.length).map((score, index) => (
          <span key={score.id} className={`min-w-0 ${CHIP[index]}`}>
            <ScoreChip score={score} />
          </span>
        ))}
        {REST.map((seen, index) => {
          const count = scores.length - index - 1;
          if (count <= 0) return null;
          return (
            <span key={seen} className={`tabular shrink-0 text-12 text-ink-3 ${seen}`} title={all}>
              +{count}
            </span>
          );
        })}
      </span>
    </span>
  );
}

export const columns = column.columns([
  column.display({
    id: "image",
    header: () => <ImageIcon size={13} role="img" aria-label="Image" />,
    cell: ({ row }) => <Thumbnail src={row.original.thumbnail} side={28} />,
  }),
  column.display({ id: "name", header: "Name", cell: ({ row }) => <Name row={row.original} /> }),
  column.display({ id: "input", header: "Input", cell: ({ row }) => clipped(row.original.inputPreview) }),
  column.display({
    id: "output",
    header: "Output",
    cell: ({ row }) => (
      <span dir="auto" className="block truncate" title={row.original.outputPreview ?? undefined}>
        {row.original.outputPreview}
      </span>
    ),
  }),
  column.display({ id: "latency", header: "Latency", cell: ({ row }) => latency(row.original) }),
  column.display({
    id: "tokens",
    header: "Tokens",
    cell: ({ row }) => figure(compact(row.original.totalTokens), count(row.original.totalTokens)),
  }),
  column.display({
    id: "cost",
    header: "Cost",
    cell: ({
      row: {
        original: { totalCostUsd: usd },
      },
    }) => figure(cost(usd), usd === null ? "" : `$${exactly(usd)}`),
  }),
  column.display({
    id: "scores",
    header: () => <span className="pl-2">Scores</span>,
    cell: ({ row }) => (
      <span className="block pl-2">
        <Scores scores={row.original.scores} />
      </span>
    ),
  }),
  column.display({ id: "user", header: "User", cell: ({ row }) => mono(row.original.userId) }),
  column.display({ id: "session", header: "Session", cell: ({ row }) => mono(row.original.sessionId) }),
  column.display({
    id: "environment",
    header: "Environment",
    cell: ({ row }) => clipped(row.original.environment),
  }),
  column.display({
    id: "tags",
    header: "Tags",
    cell: ({ row }) => (
      <span className="flex gap-1 overflow-hidden">
        {row.original.tags.map((tag) => (
          <Tag key={tag}>{tag}</Tag>
        ))}
      </span>
    ),
  }),
  column.display({
    id: "spans",
    header: "Spans",
    cell: ({ row }) => figure(compact(row.original.observationCount), count(row.original.observationCount)),
  }),
  column.display({
    id: "id",
    header: "Id",
    cell: ({ row }) => mono(shortId(row.original.id), row.original.id),
  }),
  column.display({
    id: "time",
    header: "Time",
    cell: ({ row }) => (
      <span className="text-ink-2">
        <Ago at={row.original.timestamp} />
      </span>
    ),
  }),
]);

/** A kept choice without a single column, as a browser may still hold one, is none. */
export const chosenColumns = (kept: Record<string, boolean>) =>
  columns.some(({ id }) => kept[String(id)] !== false) ? kept : HIDDEN_AT_FIRST;
