import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronRight, Search } from "lucide-react";
import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Node } from "../../api/types.ts";
import { compact, count, duration } from "../format.ts";
import { KindIcon, kindOf } from "../kinds.tsx";
import { indent, isPastIndents, type Layout, layout } from "./layout.ts";
import { type Line, lines, type Outline, outline, place } from "./outline.ts";

const LINE_PX = 28;

interface TreeProps {
  nodes: Node[];
  selected: string | undefined;
  choose: (id: string) => void;
}

/** One tree that is also the waterfall: every span with its place in time. */
export function Tree({ nodes, selected, choose }: TreeProps) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState("");
  const scroller = useRef<HTMLDivElement>(null);
  const made = useMemo(() => outline(nodes), [nodes]);
  const shown = useMemo(() => lines(made, nodes, folded, search), [made, nodes, folded, search]);
  const width_px = useWidth(scroller);
  const placed = useMemo(() => layout(shown, width_px), [shown, width_px]);
  const at = shown.findIndex((line) => line.node.id === selected);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
  }, [at, virtual]);

  const fold = (id: string, isFolded: boolean) => {
    const next = new Set(folded);
    if (isFolded) next.add(id);
    else next.delete(id);
    setFolded(next);
  };
  const answer = (event: React.KeyboardEvent) => {
    const line = shown[at];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step && shown[Math.min(shown.length - 1, Math.max(0, at + step))];
    if (next) choose(next.node.id);
    else if (event.key === "ArrowRight" && line?.isFolded) fold(line.node.id, false);
    else if (event.key === "ArrowLeft" && line?.childCount && !line.isFolded) fold(line.node.id, true);
    else if (event.key === "ArrowLeft" && line) choose(made.parents.get(line.node.id)?.id ?? line.node.id);
    else return;
    event.preventDefault();
  };

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <label className="relative block border-b border-line p-1.5">
        <Search size={13} className="absolute top-3.5 left-3.5 text-ink-3" aria-hidden="true" />
        <input
          aria-label="Search in this trace"
          placeholder={`Search ${count(nodes.length)} ${nodes.length === 1 ? "span" : "spans"}`}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          className="h-7 w-full rounded bg-panel pr-2 pl-7 placeholder:text-ink-3"
        />
      </label>
      <div
        ref={scroller}
        role="tree"
        aria-label="Spans"
        tabIndex={0}
        aria-activedescendant={at >= 0 ? `span-${selected}` : undefined}
        onKeyDown={answer}
        className="min-h-0 flex-1 overflow-auto focus-visible:outline-offset-[-2px]"
      >
        <div
          role="none"
          className="relative"
          style={{ height: virtual.getTotalSize(), minWidth: placed.least_px }}
        >
          {virtual.getVirtualItems().map((item) => {
            const line = shown[item.index];
            if (!line) return null;
            return (
              <TreeLine
                key={line.node.id}
                line={line}
                made={made}
                placed={placed}
                top_px={item.start}
                isSelected={line.node.id === selected}
                choose={choose}
                fold={fold}
              />
            );
          })}
        </div>
        {!shown.length && <p className="p-3 text-ink-3">No span matches “{search}”.</p>}
      </div>
    </div>
  );
}

/** A box's width as it is now. */
function useWidth(box: RefObject<HTMLElement | null>): number {
  const [width_px, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (!box.current) return;
    setWidth(box.current.clientWidth);
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 0));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [box]);
  return width_px;
}

interface TreeLineProps {
  line: Line;
  made: Outline;
  placed: Layout;
  top_px: number;
  isSelected: boolean;
  choose: (id: string) => void;
  fold: (id: string, isFolded: boolean) => void;
}

function TreeLine({
  line: { node, depth, childCount, isFolded },
  made,
  placed,
  top_px,
  isSelected,
  choose,
  fold,
}: TreeLineProps) {
  return (
    <div
      id={`span-${node.id}`}
      role="treeitem"
      aria-level={depth + 1}
      aria-selected={isSelected}
      aria-expanded={childCount ? !isFolded : undefined}
      onClick={() => choose(node.id)}
      className="absolute inset-x-0 top-0 grid cursor-pointer items-center gap-2 pr-3 hover:bg-panel aria-selected:bg-accent-soft"
      style={{
        height: LINE_PX,
        transform: `translateY(${top_px}px)`,
        gridTemplateColumns: placed.columns,
      }}
    >
      <span className="flex min-w-0 items-center gap-1" style={{ paddingLeft: 6 + indent(depth, placed) }}>
        {childCount ? (
          <button
            type="button"
            tabIndex={-1}
            aria-label={isFolded ? `Unfold ${node.name}` : `Fold ${node.name}`}
            onClick={(event) => {
              event.stopPropagation();
              fold(node.id, !isFolded);
            }}
            className="inline-flex size-4 shrink-0 items-center justify-center rounded-sm text-ink-3 hover:bg-sunken"
          >
            <ChevronRight
              size={12}
              className={`transition-transform duration-100 ${isFolded ? "" : "rotate-90"}`}
            />
          </button>
        ) : (
          <span className="w-4 shrink-0" />
        )}
        {isPastIndents(depth) && (
          <span className="tabular text-12 text-ink-3" title={`Level ${count(depth + 1)}`}>
            {count(depth + 1)}
          </span>
        )}
        <KindIcon type={node.type} />
        <span
          dir="auto"
          className={`ml-0.5 truncate ${node.level === "ERROR" ? "text-red" : ""}`}
          title={node.name}
        >
          {node.name || node.type.toLowerCase()}
        </span>
        {isFolded && <span className="text-12 text-ink-3">{count(childCount)}</span>}
      </span>
      {placed.hasBar && <Bar node={node} made={made} />}
      <span className="tabular text-right text-12 whitespace-nowrap text-ink-2">
        {duration(node.latencyMs)}
      </span>
      {placed.hasTokens && (
        <span
          className="tabular text-right text-12 text-ink-3"
          title={node.totalTokens ? `${count(node.totalTokens)} tokens` : undefined}
        >
          {node.totalTokens ? compact(node.totalTokens) : ""}
        </span>
      )}
    </div>
  );
}

function Bar({ node, made }: { node: Node; made: Outline }) {
  const { left, width } = place(node, made);
  return (
    <span className="relative h-full" aria-hidden="true">
      <span
        className="absolute top-1/2 h-1.5 min-w-0.5 -translate-y-1/2 rounded-full"
        style={{
          left: `${Math.min(left, 99)}%`,
          width: `${Math.min(width, 100 - left)}%`,
          background: node.level === "ERROR" ? "var(--red)" : kindOf(node.type).color,
        }}
      />
    </span>
  );
}
