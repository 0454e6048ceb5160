import { ApiError, send, sentence } from "./client.ts";
import type { Done, Question } from "./types.ts";

export interface ServerEvent {
  event: string;
  data: string;
}

/** Splits a text/event-stream into its events; comments and unknown fields are skipped. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += value ?? "";
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = done ? "" : (blocks.pop() ?? "");
    for (const block of blocks) {
      const found = parse(block);
      if (found.data) yield found;
    }
    if (done) return;
  }
}

function parse(block: string): ServerEvent {
  const found: ServerEvent = { event: "message", data: "" };
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith("event:")) found.event = line.slice(6).trim();
    if (line.startsWith("data:")) found.data += (found.data ? "\n" : "") + line.slice(5).replace(/^ /, "");
  }
  return found;
}

/** Asks the model, hands over the answer piece by piece and resolves with its measurements. */
export async function ask(
  projectId: string,
  question: Question,
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<Done> {
  const response = await send("POST", `/projects/${projectId}/ask`, question, signal);
  if (!response.body) throw new ApiError(502, "EmptyAnswer", "The server sent no answer. Ask again.");
  for await (const { event, data } of events(response.body)) {
    const body = JSON.parse(data);
    if (event === "token") onText(body.text);
    if (event === "done") return body;
    if (event === "error") throw new ApiError(502, "ModelError", sentence(body.message));
  }
  throw new ApiError(502, "CutOff", "The answer broke off before its end. Ask again.");
}
