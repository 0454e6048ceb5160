import { lazy, Suspense } from "react";
import { JsonView } from "./json.tsx";
import { conversation, isMarkdown, type Message, type Piece, pieces } from "./messages.ts";
import { Picture } from "./picture.tsx";
import { StoredFile } from "./stored-file.tsx";

/** A longer text is shown as it is, at once. */
const MOST_MARKDOWN = 100_000;

const Markdown = lazy(() => import("./markdown.tsx"));

function Words({ text }: { text: string }) {
  const plain = (
    <p dir="auto" className="break-words whitespace-pre-wrap">
      {text}
    </p>
  );
  if (text.length > MOST_MARKDOWN || !isMarkdown(text)) return plain;
  return (
    <Suspense fallback={plain}>
      <Markdown text={text} />
    </Suspense>
  );
}

function Part({ piece }: { piece: Piece }) {
  if (piece.kind === "text") return <Words text={piece.text} />;
  if (piece.kind === "json") return <JsonView value={piece.value} name={piece.name} />;
  if (piece.kind === "media") return <StoredFile mediaId={piece.mediaId} contentType={piece.contentType} />;
  return <Picture src={piece.src} alt="Attached" />;
}

const ROLE_TONES: Record<string, string> = {
  user: "var(--kind-agent)",
  assistant: "var(--accent)",
  system: "var(--kind-span)",
  tool: "var(--kind-tool)",
};

function Parts({ list }: { list: Piece[] }) {
  return (
    <div className="space-y-2">
      {list.map((piece, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a stored message never move
        <Part key={index} piece={piece} />
      ))}
    </div>
  );
}

function Turn({ message }: { message: Message }) {
  const tone = ROLE_TONES[message.role] ?? "var(--ink-3)";
  return (
    <div className="border-l-2 py-0.5 pl-3" style={{ borderColor: tone }}>
      <p className="mb-1 text-12 font-medium" style={{ color: tone }}>
        {message.role}
        {message.name !== null && <span className="ml-1.5 text-ink-2">{message.name}</span>}
      </p>
      <Parts list={message.pieces} />
    </div>
  );
}

/** An input or output as a person reads it: a conversation, words, or foldable JSON. */
export function Content({ value, isRaw }: { value: unknown; isRaw: boolean }) {
  if (isRaw) {
    return (
      <pre dir="auto" className="font-mono text-12 leading-5 break-words whitespace-pre-wrap">
        {typeof value === "string" ? value : JSON.stringify(value, null, 2)}
      </pre>
    );
  }
  const found = conversation(value);
  if (found) {
    return (
      <div className="space-y-3">
        {found.messages.map((message, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the turns of a stored conversation never move
          <Turn key={index} message={message} />
        ))}
        {found.rest && <JsonView value={found.rest} name="also" />}
      </div>
    );
  }
  if (typeof value === "string") return <Parts list={pieces(value)} />;
  return <JsonView value={value} />;
}
