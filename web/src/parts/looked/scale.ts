/** Viridis (van der Walt and Smith, CC0) at 17 even steps: lightness rises evenly, colour-blind safe. */
const STOPS: [number, number, number][] = [
  [68, 1, 84],
  [72, 24, 106],
  [71, 45, 123],
  [66, 64, 134],
  [59, 82, 139],
  [51, 99, 141],
  [44, 114, 142],
  [38, 130, 142],
  [33, 145, 140],
  [31, 160, 136],
  [40, 174, 128],
  [63, 188, 115],
  [94, 201, 98],
  [132, 212, 75],
  [173, 220, 48],
  [216, 226, 25],
  [253, 231, 37],
];

/** The colour of a share between 0 and 1. */
export function colorAt(share: number): [number, number, number] {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const low = STOPS[Math.floor(at)] ?? STOPS[0];
  const high = STOPS[Math.ceil(at)] ?? low;
  const rest = at % 1;
  const mix = (channel: 0 | 1 | 2) =>
    Math.round((low?.[channel] ?? 0) * (1 - rest) + (high?.[channel] ?? 0) * rest);
  return [mix(0), mix(1), mix(2)];
}

export const GRADIENT = `linear-gradient(to right, ${STOPS.map((stop) => `rgb(${stop.join(" ")})`).join(", ")})`;

export function peak(grid: number[][]): number {
  return Math.max(...grid.flat(), 0);
}

/** The grid's value at a place given in cells, straight lines between the cells' middles. */
function between(grid: number[][], row: number, column: number): number {
  const rows = grid.length;
  const columns = grid[0]?.length ?? 0;
  const clamp = (value: number, most: number) => Math.min(most - 1, Math.max(0, value));
  const top = clamp(Math.floor(row), rows);
  const bottom = clamp(Math.floor(row) + 1, rows);
  const left = clamp(Math.floor(column), columns);
  const right = clamp(Math.floor(column) + 1, columns);
  const down = clamp(row, rows) - top;
  const across = clamp(column, columns) - left;
  const at = (r: number, c: number) => grid[r]?.[c] ?? 0;
  const upper = at(top, left) * (1 - across) + at(top, right) * across;
  const lower = at(bottom, left) * (1 - across) + at(bottom, right) * across;
  return upper * (1 - down) + lower * down;
}

/** Resamples a grid to `side` × `side` values, before colouring, so that the scale stays even. */
export function smooth(grid: number[][], side: number): number[][] {
  const rows = grid.length;
  const columns = grid[0]?.length ?? 0;
  return Array.from({ length: side }, (_, y) =>
    Array.from({ length: side }, (_, x) =>
      between(grid, ((y + 0.5) / side) * rows - 0.5, ((x + 0.5) / side) * columns - 0.5),
    ),
  );
}

/** RGBA bytes of a grid; what was looked at more also covers more, so that the picture stays readable elsewhere. */
export function paint(grid: number[][], most: number): Uint8ClampedArray<ArrayBuffer> {
  const cells = grid.flat();
  const pixels = new Uint8ClampedArray(cells.length * 4);
  cells.forEach((value, index) => {
    const share = most > 0 ? value / most : 0;
    pixels.set([...colorAt(share), 255 * (0.35 + 0.65 * share)], index * 4);
  });
  return pixels;
}
