import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, axisTime, compact, cost, duration, exactly, significant } from "../src/parts/format.ts";

test("durations keep three significant digits", () => {
  assert.equal(duration(0.0421), "42.1 µs");
  assert.equal(duration(0.9996), "1.00 ms");
  assert.equal(duration(842), "842 ms");
  assert.equal(duration(999.6), "1.00 s");
  assert.equal(duration(1240), "1.24 s");
  assert.equal(duration(192_000), "3 m 12 s");
});

test("a cost never hides behind less-than", () => {
  assert.equal(cost(0), "$0");
  assert.equal(cost(0.00042), "$0.00042");
  assert.equal(cost(12.3456), "$12.35");
  assert.equal(cost(null), "");
  assert.equal(cost(12_345.678), "$12,345.68");
  assert.equal(exactly(12_345.678), "12,345.678");
});

test("costs and counts fit their columns", () => {
  for (const usd of [4.2e-12, 4.2e-9, 0.000_000_042, 0.004_2, 999_999.99, 1_234_567, 9.9e11])
    assert.ok(cost(usd).length <= 12, cost(usd));
  assert.equal(compact(99_999), "99,999");
  assert.equal(compact(13_333_332), "13.3 M");
  assert.equal(compact(999_999), "1.00 M");
  assert.equal(compact(842_000), "842 k");
});

test("no two labels of an axis are the same, however long it is", () => {
  for (const span_s of [60, 3600, 86_400, 200_000, 604_800, 2_592_000, 63_072_000]) {
    const start_ms = Date.parse("2026-11-24T16:03:00Z");
    const labels = [1, 2, 3].map((quarter) =>
      axisTime(new Date(start_ms + quarter * span_s * 250).toISOString(), span_s),
    );
    assert.equal(new Set(labels).size, 3, labels.join(" "));
  }
});

test("numbers are never written with an exponent", () => {
  assert.equal(significant(123_456), "123456");
  assert.equal(significant(0.000_000_123, 2), "0.00000012");
});

test("times are told from now, and from the day when they are old", () => {
  const now_ms = Date.parse("2026-11-24T12:00:00Z");
  assert.equal(ago("2026-11-24T11:59:58Z", now_ms), "now");
  assert.equal(ago("2026-11-24T11:58:00Z", now_ms), "2 m");
  assert.equal(ago("2026-11-22T12:00:00Z", now_ms), "2 d");
});

test("a time days ahead is told by its date", () => {
  const now_ms = Date.parse("2026-11-24T12:00:00Z");
  assert.equal(ago("2026-11-24T12:00:20Z", now_ms), "now");
  assert.match(ago("2026-11-27T12:00:00Z", now_ms), /27/);
});
