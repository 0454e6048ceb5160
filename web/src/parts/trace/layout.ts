import { compact, duration } from "../format.ts";
import type { Line } from "./outline.ts";

const WIDEST_INDENT_PX = 14;
const NARROWEST_INDENT_PX = 4;
const INDENTS_PX = 120;
const DEEPEST = 100;
const NAME_PX = 148;
const BAR_PX = 56;

export interface Layout {
  /** Of one level; smaller in a deeper tree. */
  indent_px: number;
  /** Every line has these columns, so that they stand under each other. */
  columns: string;
  /** Below this width the tree scrolls sideways. */
  least_px: number;
  hasTokens: boolean;
}

export const indent = (depth: number, { indent_px }: Layout): number => Math.min(depth, DEEPEST) * indent_px;

/** Levels past the last that is indented are told by their number. */
export const isPastIndents = (depth: number): boolean => depth > DEEPEST;

const widest = (texts: string[]): number => texts.reduce((most, text) => Math.max(most, text.length), 0);

/** Room for every number in full and for a readable part of the deepest name. */
export function layout(shown: Line[], hasTokenColumn: boolean): Layout {
  const deepest = shown.reduce((most, { depth }) => Math.max(most, depth), 0);
  const indent_px = Math.min(WIDEST_INDENT_PX, Math.max(NARROWEST_INDENT_PX, INDENTS_PX / (deepest || 1)));
  const tokens = widest(shown.map(({ node }) => (node.totalTokens ? compact(node.totalTokens) : "")));
  const hasTokens = hasTokenColumn && tokens > 0;
  const name_px = NAME_PX + Math.min(deepest, DEEPEST) * indent_px;
  const numbers_px = [
    widest(shown.map(({ node }) => duration(node.latencyMs))),
    ...(hasTokens ? [tokens] : []),
  ]
    .map((characters) => Math.max(5, characters) * 7.2)
    .map(Math.ceil);
  const gaps_px = (numbers_px.length + 1) * 8 + 12;
  return {
    indent_px,
    columns: `minmax(${name_px}px,3fr) minmax(${BAR_PX}px,1fr) ${numbers_px.map((px) => `${px}px`).join(" ")}`,
    least_px: Math.ceil(name_px) + BAR_PX + gaps_px + numbers_px.reduce((sum, px) => sum + px, 0),
    hasTokens,
  };
}
