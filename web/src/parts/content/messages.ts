import { tokensIn } from "./media-token.ts";

/** A piece of a message: words, a stored file by its media id, a picture, or something else shown as JSON. */
export type Piece =
  | { kind: "text"; text: string }
  | { kind: "media"; mediaId: string; contentType: string }
  | { kind: "image"; src: string }
  | { kind: "json"; value: unknown; name?: string };

export interface Message {
  role: string;
  /** Who speaks, where the message says so. */
  name: string | null;
  pieces: Piece[];
}

export interface Conversation {
  messages: Message[];
  /** What was recorded beside the messages, such as the tools and settings of a request. */
  rest: Fields | null;
}

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The fields that say something and are not shown already; null where none is left. */
function left(fields: Fields, shown: string[]): Fields | null {
  const kept = Object.entries(fields).filter(
    ([name, value]) => value !== null && value !== undefined && !shown.includes(name),
  );
  return kept.length ? Object.fromEntries(kept) : null;
}

const more = (rest: Fields | null): Piece[] => (rest ? [{ kind: "json", name: "also", value: rest }] : []);

/** Cuts a text where media tokens stand in it. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const token of tokensIn(text)) {
    if (text.slice(from, token.start).trim())
      found.push({ kind: "text", text: text.slice(from, token.start) });
    found.push({ kind: "media", mediaId: token.id, contentType: token.contentType });
    from = token.start + token.text.length;
  }
  if (text.slice(from).trim()) found.push({ kind: "text", text: text.slice(from) });
  return found;
}

const TEXT_TYPES = ["text", "input_text", "output_text"];
const SOURCES = ["image_url", "input_audio", "file", "content", "url", "data"];
const HELD_SOURCES = ["url", "data", "file_data"];

/** The file a part holds or names, and what else the part says. */
function attached(value: Fields): Piece[] | null {
  const field = SOURCES.find((each) => value[each] !== null && value[each] !== undefined);
  if (!field) return null;
  const held = value[field];
  const inner = isFields(held) ? HELD_SOURCES.find((each) => typeof held[each] === "string") : undefined;
  const source = isFields(held) && inner ? held[inner] : held;
  if (typeof source !== "string") return null;
  const media = pieces(source).filter((piece) => piece.kind === "media");
  const found: Piece[] = media.length
    ? media
    : source.startsWith("data:image/")
      ? [{ kind: "image", src: source }]
      : [];
  if (!found.length) return null;
  const beside = isFields(held) && inner ? left(held, [inner]) : null;
  return [...found, ...more(beside), ...more(left(value, ["type", "mime_type", "modality", field]))];
}

/** One part of a message, in OpenAI's or OpenTelemetry's words. */
function part(value: unknown): Piece[] {
  if (typeof value === "string") return pieces(value);
  if (!isFields(value)) return [{ kind: "json", value }];
  const field = typeof value.text === "string" ? "text" : "content";
  const text = value[field];
  const isText = value.type === undefined ? field === "text" : TEXT_TYPES.includes(String(value.type));
  if (isText && typeof text === "string") return [...pieces(text), ...more(left(value, ["type", field]))];
  return attached(value) ?? [{ kind: "json", value }];
}

const isThere = (value: unknown) => value !== null && value !== undefined && value !== "";

function message(value: unknown): Message | null {
  if (!isFields(value) || typeof value.role !== "string") return null;
  if (!("content" in value || "parts" in value || "tool_calls" in value)) return null;
  const field = isThere(value.content) ? "content" : "parts";
  const content = value[field];
  const found = Array.isArray(content) ? content.flatMap(part) : isThere(content) ? part(content) : [];
  const calls = value.tool_calls;
  const called: Piece[] = isThere(calls) ? [{ kind: "json", name: "tool_calls", value: calls }] : [];
  const name = typeof value.name === "string" ? value.name : null;
  const shown = ["role", field, "tool_calls", ...(name === null ? [] : ["name"])];
  const rest = left({ ...value, content: value.content === "" ? null : value.content }, shown);
  return { role: value.role, name, pieces: [...found, ...called, ...more(rest)] };
}

/** The conversation in an input or output, or null where it holds none. */
export function conversation(value: unknown): Conversation | null {
  if (isFields(value)) {
    const inside = Array.isArray(value.messages) ? conversation(value.messages) : null;
    if (inside) return { messages: inside.messages, rest: left(value, ["messages"]) };
    const single = message(value);
    return single && { messages: [single], rest: null };
  }
  if (!Array.isArray(value) || value.length === 0) return null;
  const found = value.map(message);
  return found.every((each) => each !== null) ? { messages: found, rest: null } : null;
}

const SIGNS = [
  /^```/m,
  /^#{2,6} \S/m,
  /^# \S.*\n\s*\n/m,
  /\*\*\S[^\n]*?\*\*/,
  /^\s*[-*] \S.*\n\s*[-*] \S/m,
  /\[[^\]\n]+\]\(https?:/,
];

/** Whether a text was meant as Markdown, as far as its look tells. */
export const isMarkdown = (text: string): boolean => SIGNS.some((sign) => sign.test(text));

/** The media ids named anywhere in a value. */
export function mediaIds(value: unknown): string[] {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return tokensIn(text).map((token) => token.id);
}
