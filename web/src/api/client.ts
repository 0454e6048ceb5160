import { request } from "./reach.ts";

/** A refusal by the server, with what a person can quote. */
export class ApiError extends Error {
  readonly status: number;
  readonly kind: string;

  constructor(status: number, kind: string, message: string) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

/** The server's sentences begin in lower case where a program reads on; here a person does. */
export const sentence = (text: string): string =>
  text.replace(/^[a-z]+(?=[\s,:;.]|$)/, (word) => word[0]?.toUpperCase() + word.slice(1));

async function refusal(response: Response): Promise<ApiError> {
  const body = await response.json().catch(() => ({}));
  const message = body.message ?? `The server answered ${response.status} ${response.statusText}`;
  return new ApiError(response.status, body.error ?? "Error", sentence(message));
}

export const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.status === 401;

let signedOut = () => {};
/** What to do when the server no longer knows who asks. */
export const whenSignedOut = (act: () => void): void => {
  signedOut = act;
};

export type Params = Record<string, string | number | boolean | string[] | null | undefined>;

/** The query string of what is set; a list repeats its name. */
export function query(params: Params): string {
  const pairs = Object.entries(params).flatMap(([name, value]) =>
    value === undefined || value === null || value === "" || value === false
      ? []
      : [value].flat().map((each) => [name, String(each)]),
  );
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

export async function send(method: string, path: string, body?: unknown, signal?: AbortSignal) {
  const response = await request(`/api/web${path}`, {
    method,
    signal,
    credentials: "same-origin",
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.ok) return response;
  const error = await refusal(response);
  if (isSignedOut(error) && path !== "/session") signedOut();
  throw error;
}

export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return (await send("GET", path, undefined, signal)).json();
}

export async function post<Answer>(path: string, body: unknown): Promise<Answer> {
  return (await send("POST", path, body)).json();
}

/** For a stream that ended without saying why. */
export const checkSession = (): Promise<void> =>
  send("GET", "/session").then(
    () => undefined,
    (error) => (isSignedOut(error) ? signedOut() : undefined),
  );
