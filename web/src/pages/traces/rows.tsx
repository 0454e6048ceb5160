import { type ColumnVisibilityState, type Row, useTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useLayoutEffect } from "react";
import type { TraceRow } from "~/api/types.ts";
import { Ago } from "~/parts/ago.tsx";
import { cost } from "~/parts/format.ts";
import { NARROW, useMedia } from "~/parts/theme.ts";
import { columns, features, latency, Name, Scores, Thumbnail, WIDTHS } from "./columns.tsx";

const ROW_PX = 36;
const CARD_PX = 84;
const AHEAD = 15;

interface RowsProps {
  rows: TraceRow[];
  fresh: ReadonlySet<string>;
  selected: string | undefined;
  visibility: ColumnVisibilityState;
  scroller: RefObject<HTMLDivElement | null>;
  loadMore: () => void;
  /** How far down the list is when it comes into the page. */
  startAt: number;
  onScroll: (top: number) => void;
  open: (id: string) => void;
}

type TableRow = Row<typeof features, TraceRow>;

/** The list itself: rows on a wide screen, cards on a narrow one; only what is seen is in the page. */
export function Rows({
  rows,
  fresh,
  selected,
  visibility,
  scroller,
  loadMore,
  startAt,
  onScroll,
  open,
}: RowsProps) {
  const isNarrow = useMedia(NARROW);
  const table = useTable({
    features,
    columns,
    data: rows,
    getRowId: (row) => row.id,
    state: { columnVisibility: visibility },
  });
  const list = table.getRowModel().rows;
  const size = isNarrow ? CARD_PX : ROW_PX;
  const virtual = useVirtualizer({
    count: list.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => size,
    getItemKey: (index) => list[index]?.id ?? index,
    overscan: 12,
    initialOffset: startAt,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: rows of another size are measured anew
  useEffect(() => virtual.measure(), [virtual, size]);
  useEffect(() => {
    if (list.length && last > list.length - AHEAD) loadMore();
  }, [last, list.length, loadMore]);
  const at = selected ? list.findIndex((row) => row.id === selected) : -1;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the list that has just come begins somewhere
  useLayoutEffect(() => {
    scroller.current?.scrollTo({ top: startAt });
    onScroll(scroller.current?.scrollTop ?? 0);
  }, []);
  const isListed = at >= 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a chosen row that new ones push down is not followed
  useEffect(() => {
    if (isListed) virtual.scrollToIndex(at, { align: "auto" });
  }, [selected, isListed, virtual]);

  const shown = table.getVisibleLeafColumns();
  const template = shown.map((each) => WIDTHS[each.id]?.width ?? "1fr").join(" ");
  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={scroller}
        role="grid"
        aria-label="Traces"
        aria-rowcount={list.length}
        tabIndex={0}
        aria-activedescendant={selected ? `trace-${selected}` : undefined}
        onScroll={(event) => onScroll(event.currentTarget.scrollTop)}
        className="h-full overflow-auto focus-visible:outline-offset-[-2px]"
      >
        {!isNarrow && (
          <div role="rowgroup" className="sticky top-0 z-[1] min-w-fit bg-canvas">
            <div
              role="row"
              className="grid h-8 items-center gap-3 border-b border-line px-4 text-12 text-ink-3"
              style={{ gridTemplateColumns: template }}
            >
              {table.getHeaderGroups().flatMap((group) =>
                group.headers.map((header) => (
                  <div
                    key={header.id}
                    role="columnheader"
                    className={`truncate ${WIDTHS[header.column.id]?.isNumber ? "text-right" : ""}`}
                  >
                    <table.FlexRender header={header} />
                  </div>
                )),
              )}
            </div>
          </div>
        )}
        <div role="rowgroup" className="relative min-w-fit" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = list[item.index];
            if (!row) return null;
            const props = {
              id: `trace-${row.id}`,
              role: "row",
              "aria-rowindex": item.index + 1,
              "aria-selected": row.id === selected,
              onClick: () => open(row.id),
              style: {
                height: size,
                transform: `translateY(${item.start}px)`,
                gridTemplateColumns: template,
              },
              className: `absolute inset-x-0 top-0 border-b border-line px-4 hover:bg-panel aria-selected:bg-accent-soft ${fresh.has(row.id) ? "fresh" : ""}`,
            };
            return isNarrow ? (
              <div key={row.id} {...props}>
                <Card row={row.original} />
              </div>
            ) : (
              <div key={row.id} {...props} className={`${props.className} grid items-center gap-3`}>
                <Cells row={row} render={table.FlexRender} />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface CellsProps {
  row: TableRow;
  render: ReturnType<typeof useTable<typeof features, TraceRow>>["FlexRender"];
}

function Cells({ row, render: Render }: CellsProps) {
  return row.getVisibleCells().map((cell) => (
    <div
      key={cell.id}
      role="gridcell"
      className={`min-w-0 ${WIDTHS[cell.column.id]?.isNumber ? "tabular text-right whitespace-nowrap" : "truncate"}`}
    >
      <Render cell={cell} />
    </div>
  ));
}

function Card({ row }: { row: TraceRow }) {
  return (
    <div role="gridcell" className="flex h-full items-center gap-3">
      <Thumbnail src={row.thumbnail} side={56} />
      <div className="min-w-0 flex-1">
        <div className="flex items-center gap-2">
          <Name row={row} />
          <span className="ml-auto text-12 text-ink-3">
            <Ago at={row.timestamp} />
          </span>
        </div>
        <p dir="auto" className="truncate text-ink-2">
          {row.inputPreview}
        </p>
        <div className="flex items-center gap-2 overflow-hidden">
          <p dir="auto" className="min-w-0 flex-1 truncate">
            {row.outputPreview}
          </p>
          <span className="tabular shrink-0 text-12 text-ink-3">
            {[latency(row), cost(row.totalCostUsd)].filter(Boolean).join(" · ")}
          </span>
          {row.scores.length > 0 && (
            <span className="w-28 shrink-0">
              <Scores scores={row.scores} />
            </span>
          )}
        </div>
      </div>
    </div>
  );
}
