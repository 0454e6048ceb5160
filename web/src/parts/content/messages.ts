/** A piece of a message: words, a picture by its media id, or something else shown as JSON. */
export type Piece =
  | { kind: "text"; text: string }
  | { kind: "media"; mediaId: string }
  | { kind: "image"; src: string }
  | { kind: "json"; value: unknown };

export interface Message {
  role: string;
  pieces: Piece[];
}

const TOKEN = /@@@langfuseMedia:type=([^|@]+)\|id=([^|@]+)\|source=[^@]+@@@/g;

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Cuts a text where media tokens stand in it. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (text.slice(from, match.index).trim())
      found.push({ kind: "text", text: text.slice(from, match.index) });
    found.push({ kind: "media", mediaId: match[2] ?? "" });
    from = match.index + match[0].length;
  }
  if (text.slice(from).trim()) found.push({ kind: "text", text: text.slice(from) });
  return found;
}

function address(part: Fields): unknown {
  const image = part.image_url ?? part.content ?? part.url ?? part.data;
  return isFields(image) ? image.url : image;
}

/** One part of a message, in OpenAI's or OpenTelemetry's words. */
function part(value: unknown): Piece[] {
  if (typeof value === "string") return pieces(value);
  if (!isFields(value)) return [{ kind: "json", value }];
  const text = value.text ?? (value.type === "text" ? value.content : undefined);
  if (typeof text === "string") return pieces(text);
  const source = address(value);
  if (typeof source === "string") {
    const found = pieces(source).filter((piece) => piece.kind === "media");
    if (found.length) return found;
    if (source.startsWith("data:image/")) return [{ kind: "image", src: source }];
  }
  return [{ kind: "json", value }];
}

function message(value: unknown): Message | null {
  if (!isFields(value) || typeof value.role !== "string") return null;
  const content = value.content ?? value.parts;
  const { role, content: _content, parts: _parts, ...rest } = value;
  const found = Array.isArray(content) ? content.flatMap(part) : content ? part(content) : [];
  const calls = rest.tool_calls ? [{ kind: "json" as const, value: rest.tool_calls }] : [];
  return { role, pieces: [...found, ...calls] };
}

/** The conversation in an input or output, or null where it holds none. */
export function conversation(value: unknown): Message[] | null {
  if (isFields(value)) {
    if (Array.isArray(value.messages)) return conversation(value.messages);
    const single = message(value);
    return single && [single];
  }
  if (!Array.isArray(value) || value.length === 0) return null;
  const found = value.map(message);
  return found.every((each) => each !== null) ? found : null;
}

/** The media ids named anywhere in a value. */
export function mediaIds(value: unknown): string[] {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return [...text.matchAll(TOKEN)].map((match) => match[2] ?? "");
}
