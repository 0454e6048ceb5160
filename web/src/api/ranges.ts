/** The ranges of time that end now, by the name they have in an address. */
export const RANGE_S: Record<string, number> = {
  "15m": 900,
  "1h": 3600,
  "24h": 86_400,
  "7d": 604_800,
  "30d": 2_592_000,
};

export const isRange = (name: string): boolean => name === "all" || Object.hasOwn(RANGE_S, name);
