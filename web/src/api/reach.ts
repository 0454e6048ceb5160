/**
 * Whether the server answers. Every request says so; while none gets through, one small question goes out every other
 * second until the server is back. Queries wait meanwhile, because this is what `onlineManager` tells them.
 */
import { onlineManager } from "@tanstack/react-query";

const MISSES_BEFORE_SAYING = 3;
const BETWEEN_QUESTIONS_MS = 2_000;
const PATIENCE_MS = 5_000;

export class NotReached extends Error {
  constructor() {
    super("The server does not answer. Check that it runs and that this browser is connected.");
  }
}

let misses = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

function note(isMiss: boolean): void {
  misses = isMiss ? misses + 1 : 0;
  onlineManager.setOnline(misses < (navigator.onLine ? MISSES_BEFORE_SAYING : 1));
  clearTimeout(timer);
  if (isMiss) timer = setTimeout(checkReach, BETWEEN_QUESTIONS_MS);
}

/** A proxy says so when the server behind it is gone; our own refusals are JSON. */
const isOfProxy = ({ status, headers }: Response) =>
  status >= 502 && status <= 504 && !headers.get("content-type")?.includes("json");

/** `fetch`, watched. */
export async function request(address: string, options?: RequestInit): Promise<Response> {
  let response: Response | undefined;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
  }
  const isMiss = !response || isOfProxy(response);
  note(isMiss);
  if (!response || isMiss) throw new NotReached();
  return response;
}

/** Asks once whether the server answers; a miss asks again by itself. */
export function checkReach(): void {
  // A miss is already noted.
  request("/api/public/health", { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => undefined);
}

/** The browser's own word for being offline is only a reason to ask: this server may be on the same machine. */
export function watchReach(): void {
  onlineManager.setEventListener(() => {
    addEventListener("online", checkReach);
    addEventListener("offline", checkReach);
    return () => {
      removeEventListener("online", checkReach);
      removeEventListener("offline", checkReach);
    };
  });
}
