import { ImageOff } from "lucide-react";
import { useContext, useState } from "react";
import { mediaUrl } from "../../api/queries.ts";
import { JsonView } from "./json.tsx";
import { conversation, type Message, type Piece, pieces } from "./messages.ts";
import { ProjectContext } from "./project.ts";

const SMALL_PX = 200;

/** A picture at the size a person can judge; a small one is enlarged without blur. */
export function Picture({ src, alt = "" }: { src: string; alt?: string }) {
  const [state, setState] = useState<"loading" | "small" | "shown" | "failed">("loading");
  if (state === "failed") {
    return (
      <span className="inline-flex items-center gap-2 rounded bg-sunken px-3 py-2 text-12 text-ink-2">
        <ImageOff size={14} /> This image cannot be shown. Open the trace again to retry.
      </span>
    );
  }
  return (
    <img
      src={src}
      alt={alt}
      onLoad={(event) => setState(event.currentTarget.naturalWidth < SMALL_PX ? "small" : "shown")}
      onError={() => setState("failed")}
      className="block max-h-80 max-w-full rounded border border-line bg-sunken object-contain"
      style={state === "small" ? { width: 256, imageRendering: "pixelated" } : undefined}
    />
  );
}

function Part({ piece }: { piece: Piece }) {
  const projectId = useContext(ProjectContext);
  if (piece.kind === "text") return <p className="break-words whitespace-pre-wrap">{piece.text}</p>;
  if (piece.kind === "json") return <JsonView value={piece.value} />;
  const src = piece.kind === "media" ? mediaUrl(projectId, piece.mediaId) : piece.src;
  return <Picture src={src} alt="Attached" />;
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
      </p>
      <Parts list={message.pieces} />
    </div>
  );
}

/** An input or output as a person reads it: a conversation, words, or foldable JSON. */
export function Content({ value, isRaw }: { value: unknown; isRaw: boolean }) {
  if (isRaw) {
    return (
      <pre className="font-mono text-12 leading-5 break-words whitespace-pre-wrap">
        {typeof value === "string" ? value : JSON.stringify(value, null, 2)}
      </pre>
    );
  }
  const turns = conversation(value);
  if (turns) {
    return (
      <div className="space-y-3">
        {turns.map((message, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the turns of a stored conversation never move
          <Turn key={index} message={message} />
        ))}
      </div>
    );
  }
  if (typeof value === "string") return <Parts list={pieces(value)} />;
  return <JsonView value={value} />;
}
