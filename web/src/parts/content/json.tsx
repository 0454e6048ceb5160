import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { mediaIds, pieces } from "./messages.ts";
import { StoredFile } from "./stored-file.tsx";

const MANY = 50;
const LONG = 600;

function Leaf({ value }: { value: unknown }) {
  if (typeof value === "string") {
    const found = pieces(value);
    if (!found.some((piece) => piece.kind === "media")) return <Words text={value} />;
    return found.map((piece, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a stored text never move
      <span key={index} className="my-1 block">
        {piece.kind === "text" && <Words text={piece.text} />}
        {piece.kind === "media" && <StoredFile mediaId={piece.mediaId} contentType={piece.contentType} />}
      </span>
    ));
  }
  const tone = typeof value === "number" ? "text-(--kind-agent)" : "text-(--kind-evaluator)";
  return <span className={tone}>{String(value)}</span>;
}

function Words({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const isCut = text.length > LONG && !isWhole;
  return (
    <bdi className="break-words whitespace-pre-wrap text-ink">
      “{isCut ? text.slice(0, LONG) : text}”
      {isCut && (
        <button type="button" className="text-accent" onClick={() => setWhole(true)}>
          … {text.length - LONG} more
        </button>
      )}
    </bdi>
  );
}

interface BranchProps {
  name?: string;
  value: unknown;
  depth: number;
}

function Branch({ name, value, depth }: BranchProps) {
  const [isOpen, setOpen] = useState(() => depth < 2 || mediaIds(value).length > 0);
  const [shown, setShown] = useState(MANY);
  const label = name === undefined ? null : <span className="mr-1 text-ink-3">{name}:</span>;
  if (typeof value !== "object" || value === null) {
    return (
      <div className="pl-4">
        {label}
        <Leaf value={value} />
      </div>
    );
  }
  const entries = Object.entries(value);
  const summary = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <div>
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="inline-flex items-center rounded-sm hover:bg-sunken"
      >
        <ChevronRight size={12} className={`mr-1 transition-transform ${isOpen ? "rotate-90" : ""}`} />
        {label}
        <span className="text-ink-3">{summary}</span>
      </button>
      {isOpen && (
        <div className="ml-1.5 border-l border-line pl-2">
          {entries.slice(0, shown).map(([key, each]) => (
            <Branch key={key} name={key} value={each} depth={depth + 1} />
          ))}
          {entries.length > shown && (
            <button type="button" className="pl-4 text-accent" onClick={() => setShown(shown + 200)}>
              {entries.length - shown} more
            </button>
          )}
        </div>
      )}
    </div>
  );
}

/** A JSON value that folds; long texts and long lists open on request, and what holds a file is open. */
export function JsonView({ value, name }: { value: unknown; name?: string }) {
  return (
    <div className="font-mono text-12 leading-5">
      <Branch name={name} value={value} depth={0} />
    </div>
  );
}
