import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, cost, duration, significant } from "../src/parts/format.ts";

test("durations keep three significant digits", () => {
  assert.equal(duration(0.0421), "0.0421 ms");
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
