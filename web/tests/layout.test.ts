import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "../src/api/types.ts";
import { indent, isPastIndents, layout } from "../src/parts/trace/layout.ts";

const line = (depth: number, node: Partial<Node> = {}) => ({
  node: { latencyMs: 842, totalTokens: null, ...node } as Node,
  depth,
  childCount: 1,
  isFolded: false,
});
const chain = (length: number) => Array.from({ length }, (_, depth) => line(depth));

test("every one of thirty levels is indented more than the one above, and leaves room for names", () => {
  const placed = layout(chain(30), 384);
  const indents = chain(30).map(({ depth }) => indent(depth, placed));
  assert.ok(indents.every((px, depth) => depth === 0 || px > (indents[depth - 1] ?? 0)));
  assert.ok(placed.least_px <= 384);
  assert.ok(placed.hasBar);
});

test("a shallow tree keeps its wide indents", () => {
  assert.equal(layout(chain(4), 384).indent_px, 14);
});

test("where it is tight the bars go and the numbers stay", () => {
  const placed = layout(chain(30), 345);
  assert.equal(placed.hasBar, false);
  assert.ok(placed.least_px <= 345);
});

test("tokens have a column only where there are tokens and room", () => {
  const lines = [line(0, { totalTokens: 12_345_678 })];
  assert.equal(layout(lines, 500).hasTokens, true);
  assert.equal(layout(lines, 384).hasTokens, false);
  assert.equal(layout(chain(3), 500).hasTokens, false);
});

test("past a hundred levels the number of the level is told instead", () => {
  const placed = layout(chain(10_000), 384);
  assert.equal(indent(100, placed), indent(9_999, placed));
  assert.equal(isPastIndents(100), false);
  assert.equal(isPastIndents(101), true);
});
