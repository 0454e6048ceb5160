/** Running text: words, and what stands out in them. */
export type Span =
  | { kind: "plain" | "code" | "strong" | "emphasis"; text: string }
  | { kind: "link"; text: string; href: string };

export type Block =
  | { kind: "heading"; level: number; spans: Span[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "items"; items: { depth: number; marker: string; spans: Span[] }[] }
  | { kind: "text"; spans: Span[] };

const SPAN =
  /`([^`\n]+)`|\*\*(\S(?:[^\n]*?\S)?)\*\*|\*(\S(?:[^*\n]*?\S)?)\*|\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)/g;

/** Only addresses of the web become links; an image stays the text it is, since pages fetch nothing foreign. */
export function spans(text: string): Span[] {
  const found: Span[] = [];
  let from = 0;
  for (const match of text.matchAll(SPAN)) {
    if (match[4] && text[match.index - 1] === "!") continue;
    if (match.index > from) found.push({ kind: "plain", text: text.slice(from, match.index) });
    const [, code, strong, emphasis, label, href] = match;
    if (code) found.push({ kind: "code", text: code });
    else if (strong) found.push({ kind: "strong", text: strong });
    else if (emphasis) found.push({ kind: "emphasis", text: emphasis });
    else if (label && href) found.push({ kind: "link", text: label, href });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ kind: "plain", text: text.slice(from) });
  return found;
}

const FENCE = /^\s*(`{3,})(.*)$/;
const HEADING = /^(#{1,6}) +(\S.*)$/;
const ITEM = /^(\s*)([-*]|\d+[.)]) +(\S.*)$/;

/** The blocks of a Markdown text; what is none of the others, such as a table, stays text as it was written. */
export function blocks(text: string): Block[] {
  const found: Block[] = [];
  let words: string[] = [];
  let code: string[] | null = null;
  let fence = "";
  let language = "";
  const endWords = () => {
    const said = words.join("\n").replace(/^\n+|\s+$/g, "");
    if (said) found.push({ kind: "text", spans: spans(said) });
    words = [];
  };
  for (const line of text.split("\n")) {
    const fenced = FENCE.exec(line);
    if (code) {
      if (fenced?.[1]?.startsWith(fence) && !fenced[2]?.trim()) {
        found.push({ kind: "code", language, text: code.join("\n") });
        code = null;
      } else code.push(line);
      continue;
    }
    const heading = HEADING.exec(line);
    const item = ITEM.exec(line);
    if (fenced || heading || item) endWords();
    if (fenced) {
      fence = fenced[1] ?? "";
      language = fenced[2]?.trim() ?? "";
      code = [];
    } else if (heading) {
      found.push({ kind: "heading", level: heading[1]?.length ?? 1, spans: spans(heading[2] ?? "") });
    } else if (item) {
      const [, before = "", marker = "", said = ""] = item;
      const one = { depth: Math.floor(before.length / 2), marker, spans: spans(said) };
      const last = found.at(-1);
      if (last?.kind === "items") last.items.push(one);
      else found.push({ kind: "items", items: [one] });
    } else if (line.trim() || words.length) words.push(line);
  }
  if (code) found.push({ kind: "code", language, text: code.join("\n") });
  endWords();
  return found;
}
