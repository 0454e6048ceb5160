import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "../src/api/types.ts";
import { lines, outline, place } from "../src/parts/trace/outline.ts";

const at = (ms: number) => new Date(1_700_000_000_000 + ms).toISOString();

const node = (id: string, parentId: string | null, from_ms: number, to_ms: number | null): Node => ({
  id,
  parentId,
  type: "SPAN",
  name: id,
  startTime: at(from_ms),
  endTime: to_ms === null ? null : at(to_ms),
  latencyMs: to_ms === null ? null : to_ms - from_ms,
  level: "DEFAULT",
  statusMessage: null,
  model: null,
  inputTokens: null,
  outputTokens: null,
  totalTokens: null,
  totalCostUsd: null,
  timeToFirstTokenMs: null,
  scores: [],
});

const NODES = [
  node("c", "a", 50, 90),
  node("b", "a", 10, 40),
  node("a", null, 0, 100),
  node("lost", "gone", 20, null),
];
const shown = (folded: string[], search = "") =>
  lines(outline(NODES), NODES, new Set(folded), search).map((line) => [line.node.id, line.depth]);

test("children stand under their parent in the order of time, and an orphan at the top", () => {
  assert.deepEqual(shown([]), [
    ["a", 0],
    ["b", 1],
    ["c", 1],
    ["lost", 0],
  ]);
});

test("what is folded hides what is under it, and a search finds it anyway", () => {
  assert.deepEqual(shown(["a"]), [
    ["a", 0],
    ["lost", 0],
  ]);
  assert.deepEqual(shown(["a"], "C"), [
    ["a", 0],
    ["c", 1],
  ]);
});

test("spans that claim to be each other's parent are shown once each", () => {
  const circle = [node("x", "y", 0, 1), node("y", "x", 0, 1), node("self", "self", 0, 1)];
  const seen = lines(outline(circle), circle, new Set(), "").map((line) => line.node.id);
  assert.deepEqual(seen.sort(), ["self", "x", "y"]);
});

test("a bar lies where its span lies in the whole", () => {
  const made = outline(NODES);
  assert.deepEqual(place(NODES[1] as Node, made), { left: 10, width: 30 });
  assert.equal(place(NODES[3] as Node, made).width, 0);
});

test("ten thousand spans, each under the one before, are laid out without recursion", () => {
  const deep = Array.from({ length: 10_000 }, (_, n) => node(`n${n}`, n ? `n${n - 1}` : null, n, 20_000));
  const started_ms = performance.now();
  assert.equal(lines(outline(deep), deep, new Set(), "").length, 10_000);
  assert.ok(performance.now() - started_ms < 5_000);
});

test("spans of one millisecond are placed and ordered by their microseconds", () => {
  const whole = { ...node("a", null, 0, 1), startTime: at(0), endTime: at(1) };
  const late = { ...node("b", "a", 0, 1), startTime: at(0).replace("000Z", "000750Z") };
  const early = { ...node("c", "a", 0, 1), startTime: at(0).replace("000Z", "000250Z") };
  const made = outline([late, early, whole]);
  assert.deepEqual(
    made.children.get("a")?.map(({ id }) => id),
    ["c", "b"],
  );
  assert.ok(Math.abs(place(early, made).left - 25) < 0.1);
});
