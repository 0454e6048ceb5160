import assert from "node:assert/strict";
import { test } from "node:test";
import { colorAt, paint, peak, smooth } from "../src/parts/looked/scale.ts";

const GRID = [
  [0, 0],
  [0, 1],
];

test("the scale grows lighter all the way", () => {
  const lightness = Array.from({ length: 101 }, (_, n) => {
    const [red, green, blue] = colorAt(n / 100);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  });
  assert.ok(lightness.every((value, n) => n === 0 || value >= (lightness[n - 1] as number) - 0.5));
});

test("smoothing keeps the peak where it was and between the values given", () => {
  const fine = smooth(GRID, 8);
  assert.equal(peak(fine), 1);
  assert.equal(fine[7]?.[7], 1);
  assert.equal(fine[0]?.[0], 0);
  assert.ok((fine[3]?.[3] as number) < (fine[4]?.[4] as number));
});

test("what was looked at most covers most", () => {
  const pixels = paint(GRID, 1);
  assert.equal(pixels.length, 16);
  assert.equal(pixels[15], 255);
  assert.ok((pixels[3] as number) < 128);
});
