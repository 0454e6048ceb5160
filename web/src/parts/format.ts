const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 20 });
const cents = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const second = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const hour = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const month = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric" });

/** Three significant digits, never in exponent form: 842, 1.24, 0.00318. */
export function significant(value: number, digits = 3): string {
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  return value.toFixed(Math.min(12, Math.max(0, digits - 1 - magnitude)));
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "";
  if (ms > 0 && ms < 0.9995) return `${significant(ms * 1000)} µs`;
  if (ms < 999.5) return `${significant(ms)} ms`;
  if (ms < 59_950) return `${significant(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`;
  return `${count(Math.floor(seconds / 86_400))} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/**
 * Whole cents from a dollar up; below that two significant digits, so that small costs stay visible in sum. At most
 * twelve characters, which is why the very large are in millions and the very small in powers of ten.
 */
export function cost(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) return "";
  if (usd === 0) return "$0";
  if (usd >= 999_999.995) return `$${compact(usd)}`;
  if (usd >= 1) return `$${cents.format(usd)}`;
  return usd < 1e-8 ? `$${usd.toExponential(1)}` : `$${significant(usd, 2)}`;
}

/** Every digit, for a place with room or a title. */
export const exactly = (value: number | null | undefined): string =>
  value === null || value === undefined ? "" : exact.format(value);

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : grouped.format(value);
}

/** A count in at most seven characters, for columns: 99,999, then three significant digits: 842 k, 13.3 M. */
export function compact(value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (value < 99_999.5) return count(value);
  const power = Math.min(4, Math.floor(Math.log10(Number(value.toPrecision(3))) / 3));
  return `${significant(value / 1000 ** power)} ${"kMBT"[power - 1]}`;
}

/** Clocks differ; what is further ahead than this is told by its date. */
const AHEAD_S = 60;
const STEPS: [number, string][] = [
  [60, "s"],
  [3600, "m"],
  [86_400, "h"],
  [2_592_000, "d"],
];

export function ago(iso: string, now_ms: number): string {
  const seconds = (now_ms - Date.parse(iso)) / 1000;
  if (seconds < -AHEAD_S) return day.format(Date.parse(iso));
  if (seconds < 5) return "now";
  let unit_s = 1;
  for (const [limit_s, unit] of STEPS) {
    if (seconds < limit_s) return `${Math.floor(seconds / unit_s)} ${unit}`;
    unit_s = limit_s;
  }
  return day.format(Date.parse(iso));
}

export const fullTime = (iso: string): string => absolute.format(Date.parse(iso));

const AXES: [number, Intl.DateTimeFormat][] = [
  [300, second],
  [90_000, clock],
  [345_600, hour],
  [31_536_000, day],
];

/** A moment on an axis that spans so many seconds, written so that no two of its labels are the same. */
export function axisTime(iso: string, span_s: number): string {
  const [, format] = AXES.find(([most_s]) => span_s <= most_s) ?? [0, month];
  return format.format(Date.parse(iso));
}

export const shortId = (id: string): string => (id.length > 12 ? id.slice(0, 8) : id);

export function scoreText(score: {
  dataType: string;
  value: number | null;
  stringValue: string | null;
}): string {
  if (score.dataType === "BOOLEAN" && score.value !== null) return score.value ? "true" : "false";
  return score.stringValue ?? (score.value === null ? "" : significant(score.value, 2));
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  return value < 1024 ** 2 ? `${significant(value / 1024)} KB` : `${significant(value / 1024 ** 2)} MB`;
}
