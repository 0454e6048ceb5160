const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });

/** Three significant digits, never in exponent form: 842, 1.24, 0.00318. */
export function significant(value: number, digits = 3): string {
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  return value.toFixed(Math.min(12, Math.max(0, digits - 1 - magnitude)));
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "";
  if (ms < 999.5) return `${significant(ms)} ms`;
  if (ms < 59_950) return `${significant(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`;
}

/** Whole cents from a dollar up; below that two significant digits, so that small costs stay visible in sum. */
export function cost(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) return "";
  if (usd === 0) return "$0";
  return usd >= 1 ? `$${usd.toFixed(2)}` : `$${significant(usd, 2)}`;
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : grouped.format(value);
}

const STEPS: [number, string][] = [
  [60, "s"],
  [3600, "m"],
  [86_400, "h"],
  [2_592_000, "d"],
];

export function ago(iso: string, now_ms: number): string {
  const seconds = Math.max(0, (now_ms - Date.parse(iso)) / 1000);
  if (seconds < 5) return "now";
  let unit_s = 1;
  for (const [limit_s, unit] of STEPS) {
    if (seconds < limit_s) return `${Math.floor(seconds / unit_s)} ${unit}`;
    unit_s = limit_s;
  }
  return day.format(Date.parse(iso));
}

export const fullTime = (iso: string): string => absolute.format(Date.parse(iso));

export function axisTime(iso: string, step_s: number): string {
  return (step_s >= 86_400 ? day : clock).format(Date.parse(iso));
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
  return value < 1024 ? `${value} B` : `${significant(value / 1024)} KB`;
}
