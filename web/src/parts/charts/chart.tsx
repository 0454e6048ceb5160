import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, TooltipComponent } from "echarts/components";
import { type EChartsType, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef, useState } from "react";
import { axisTime, fullTime } from "../format.ts";
import { useIsDark } from "../theme.ts";
import { inks, SERIES } from "./colors.ts";

use([BarChart, LineChart, GridComponent, TooltipComponent, AriaComponent, CanvasRenderer]);

export interface Line {
  name: string;
  /** A place in the colour-blind-safe set, or red, which is for errors alone. */
  color: number | "red";
  /** Bars stand before one another: each later one is a part of the one before it. */
  kind: "bar" | "line";
  values: (number | null)[];
  /** Over the whole range. */
  figure: number | null;
}

interface ChartProps {
  label: string;
  starts: string[];
  step_s: number;
  lines: Line[];
  format: (value: number) => string;
  onZoom: (from: string, to: string) => void;
}

const GRID = { left: 4, right: 4, top: 8, bottom: 18 };

/** One small chart; dragging over it narrows the time range. */
export default function Chart({ label, starts, step_s, lines, format, onZoom }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType>(null);
  const isDark = useIsDark();
  const drag = useDrag(box, (from, to) => {
    const at = (share: number) => Math.min(starts.length - 1, Math.max(0, Math.floor(share * starts.length)));
    const first = starts[at(from)];
    const last = starts[at(to)];
    if (first && last) onZoom(first, new Date(Date.parse(last) + step_s * 1000).toISOString());
  });

  useEffect(() => {
    if (!box.current) return;
    const made = init(box.current, null, { renderer: "canvas" });
    chart.current = made;
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      made.dispose();
    };
  }, []);

  useEffect(() => {
    chart.current?.setOption(option({ label, starts, step_s, lines, format, isDark }), { notMerge: true });
  }, [label, starts, step_s, lines, format, isDark]);

  return (
    <div className="relative h-full touch-pan-y select-none" {...drag.handlers}>
      <div ref={box} role="img" aria-label={label} className="h-full" />
      {drag.span && (
        <div
          className="pointer-events-none absolute top-2 bottom-4 bg-accent opacity-20"
          style={{ left: drag.span.left, width: drag.span.width }}
        />
      )}
    </div>
  );
}

function useDrag(box: React.RefObject<HTMLDivElement | null>, onSpan: (from: number, to: number) => void) {
  const [ends, setEnds] = useState<[number, number] | null>(null);
  const place = (event: React.PointerEvent) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.min(width, Math.max(0, event.clientX - left));
  };
  const finish = () => {
    if (ends && Math.abs(ends[1] - ends[0]) > 6) {
      const width = (box.current?.clientWidth ?? 1) - GRID.left - GRID.right;
      const [from, to] = ends.map((each) => (each - GRID.left) / width).sort((a, b) => a - b);
      onSpan(from ?? 0, to ?? 1);
    }
    setEnds(null);
  };
  const handlers = {
    onPointerDown: (event: React.PointerEvent) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      setEnds([place(event), place(event)]);
    },
    onPointerMove: (event: React.PointerEvent) => ends && setEnds([ends[0], place(event)]),
    onPointerUp: finish,
    onPointerCancel: () => setEnds(null),
  };
  const span = ends && { left: Math.min(...ends), width: Math.abs(ends[1] - ends[0]) };
  return { handlers, span };
}

type OptionInput = Omit<ChartProps, "onZoom"> & { isDark: boolean };

function option({ label, starts, step_s, lines, format, isDark }: OptionInput) {
  const { ink, faint, line, canvas, red } = inks();
  const color = (each: Line) =>
    each.color === "red" ? red : (SERIES[isDark ? "dark" : "light"][each.color] ?? ink);
  const every = Math.max(1, Math.ceil(starts.length / 4));
  return {
    animation: false,
    aria: { enabled: true, label: { description: `${label}: ${lines.map((each) => each.name).join(", ")}` } },
    grid: { ...GRID, containLabel: false },
    xAxis: {
      type: "category",
      data: starts,
      axisTick: { show: false },
      axisLine: { onZero: false, lineStyle: { color: line } },
      axisLabel: {
        color: faint,
        fontSize: 11,
        fontFamily: "Inter Variable",
        margin: 5,
        interval: (index: number) => index % every === 0 && index > 0,
        formatter: (start: string) => axisTime(start, step_s * starts.length),
      },
    },
    yAxis: { type: "value", show: false, min: ({ min }: { min: number }) => Math.min(0, min) },
    tooltip: {
      trigger: "axis",
      confine: true,
      transitionDuration: 0,
      backgroundColor: canvas,
      borderColor: line,
      textStyle: { color: ink, fontSize: 12, fontFamily: "Inter Variable" },
      axisPointer: { type: "line", lineStyle: { color: faint, width: 1 } },
      formatter: (points: TooltipPoint[]) => tooltip(points, format),
    },
    series: lines.map((each) => ({
      name: each.name,
      type: each.kind,
      data: each.values,
      color: color(each),
      barCategoryGap: "20%",
      barGap: "-100%",
      showSymbol: each.values.filter((value) => value !== null).length < 8,
      showAllSymbol: true,
      symbolSize: 4,
      lineStyle: { width: 1.5 },
      connectNulls: true,
      emphasis: { disabled: true },
    })),
  };
}

interface TooltipPoint {
  axisValue: string;
  seriesName: string;
  value: number | null;
  color: string;
}

/** Built from nodes, never from markup: series are named by whoever sends scores. */
function tooltip(points: TooltipPoint[], format: (value: number) => string): HTMLElement {
  const box = document.createElement("div");
  box.append(
    Object.assign(document.createElement("div"), { textContent: fullTime(points[0]?.axisValue ?? "") }),
  );
  for (const { seriesName, value, color } of points) {
    if (value === null || value === undefined) continue;
    const row = document.createElement("div");
    const dot = Object.assign(document.createElement("span"), { textContent: "● " });
    dot.style.color = color;
    row.append(dot, `${seriesName} ${format(value)}`);
    box.append(row);
  }
  return box;
}
