import { compact, duration } from "../format.ts";
import type { Line } from "./outline.ts";

const WIDEST_INDENT_PX = 14;
const NARROWEST_INDENT_PX = 4;
const INDENTS_PX = 120;
const DEEPEST = 100;
const NAME_PX = 128;
const BAR_PX = 56;
const GAP_PX = 8;
const EDGE_PX = 12;
const CHARACTER_PX = 7.8;
const TOKENS_FROM_PX = 448;

export interface Layout {
  /** Of one level; smaller in a deeper tree. */
  indent_px: number;
  /** Every line has these columns, so that they stand under each other. */
  columns: string;
  /** Below this width the tree scrolls sideways. */
  least_px: number;
  hasBar: boolean;
  hasTokens: boolean;
}

export const indent = (depth: number, { indent_px }: Layout): number => Math.min(depth, DEEPEST) * indent_px;

/** Levels past the last that is indented are told by their number. */
export const isPastIndents = (depth: number): boolean => depth > DEEPEST;

const widest = (texts: string[]): number => texts.reduce((most, text) => Math.max(most, text.length), 0);

const sum = (all: number[]): number => all.reduce((before, each) => before + each, 0);

/** Room for every number in full and for a readable part of the deepest name; the bars go first where it is tight. */
export function layout(shown: Line[], width_px: number): Layout {
  const deepest = shown.reduce((most, { depth }) => Math.max(most, depth), 0);
  const indent_px = Math.min(WIDEST_INDENT_PX, Math.max(NARROWEST_INDENT_PX, INDENTS_PX / (deepest || 1)));
  const durations = widest(shown.map(({ node }) => duration(node.latencyMs)));
  const tokens = widest(shown.map(({ node }) => (node.totalTokens ? compact(node.totalTokens) : "")));
  const hasTokens = tokens > 0 && width_px >= TOKENS_FROM_PX;
  const name_px = Math.ceil(NAME_PX + Math.min(deepest, DEEPEST) * indent_px);
  const numbers_px = [durations, ...(hasTokens ? [tokens] : [])].map((characters) =>
    Math.ceil(Math.max(5, characters) * CHARACTER_PX),
  );
  const without_px = name_px + sum(numbers_px) + numbers_px.length * GAP_PX + EDGE_PX;
  const with_px = without_px + BAR_PX + GAP_PX;
  const hasBar = width_px >= with_px;
  return {
    indent_px,
    columns: [
      `minmax(${name_px}px,3fr)`,
      ...(hasBar ? [`minmax(${BAR_PX}px,1fr)`] : []),
      ...numbers_px.map((px) => `${px}px`),
    ].join(" "),
    least_px: hasBar ? with_px : without_px,
    hasBar,
    hasTokens,
  };
}
