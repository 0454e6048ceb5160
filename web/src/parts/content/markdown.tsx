import { type Block, blocks, type Span } from "./blocks.ts";

function Spans({ list }: { list: Span[] }) {
  return list.map((span, index) => {
    const key = `${index} ${span.kind}`;
    if (span.kind === "strong") return <strong key={key}>{span.text}</strong>;
    if (span.kind === "emphasis") return <em key={key}>{span.text}</em>;
    if (span.kind === "code") {
      return (
        <code key={key} className="rounded-sm bg-sunken px-1 font-mono text-12">
          {span.text}
        </code>
      );
    }
    if (span.kind === "link") {
      return (
        <a
          key={key}
          href={span.href}
          title={span.href}
          target="_blank"
          rel="noopener noreferrer"
          className="text-accent underline underline-offset-2"
        >
          {span.text}
        </a>
      );
    }
    return <span key={key}>{span.text}</span>;
  });
}

function Piece({ block }: { block: Block }) {
  if (block.kind === "code") {
    return (
      <pre className="rounded bg-sunken p-2 font-mono text-12 leading-5 break-words whitespace-pre-wrap">
        {block.language && <span className="block font-sans text-ink-3">{block.language}</span>}
        {block.text}
      </pre>
    );
  }
  if (block.kind === "heading") {
    return (
      <p
        dir="auto"
        className={`font-semibold ${block.level === 1 ? "text-16" : block.level === 2 ? "text-14" : ""}`}
      >
        <Spans list={block.spans} />
      </p>
    );
  }
  if (block.kind === "items") {
    return (
      <ul>
        {block.items.map((item, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the items of a stored text never move
          <li key={index} dir="auto" className="flex gap-1.5" style={{ paddingInlineStart: item.depth * 16 }}>
            <span className="text-ink-3">{/\d/.test(item.marker) ? item.marker : "•"}</span>
            <span className="min-w-0 break-words">
              <Spans list={item.spans} />
            </span>
          </li>
        ))}
      </ul>
    );
  }
  return (
    <p dir="auto" className="break-words whitespace-pre-wrap">
      <Spans list={block.spans} />
    </p>
  );
}

/** A text as its Markdown means it; its headings are not the page's, so they only look like headings. */
export default function Markdown({ text }: { text: string }) {
  return (
    <div className="space-y-2">
      {blocks(text).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the blocks of a stored text never move
        <Piece key={index} block={block} />
      ))}
    </div>
  );
}
