import { CopyButton } from "./copy-button.tsx";
import { shortId } from "./format.ts";

export function Id({ value }: { value: string }) {
  return (
    <span className="inline-flex items-center font-mono text-12 text-ink-3" title={value}>
      {shortId(value)}
      <CopyButton text={value} label="Copy id" />
    </span>
  );
}
