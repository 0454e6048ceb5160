import { CircleAlert, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "../api/client.ts";
import { Button } from "./button.tsx";
import { CopyButton } from "./copy-button.tsx";

/** What failed, what to quote, and a way to try again. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const message = error instanceof Error ? error.message : String(error);
  const kind = error instanceof ApiError ? `${error.kind} · ${error.status}` : null;
  return (
    <div
      role="alert"
      className="m-4 flex max-w-xl items-start gap-3 rounded border border-line bg-red-soft p-3"
    >
      <CircleAlert size={16} className="mt-0.5 shrink-0 text-red" />
      <div className="min-w-0 flex-1">
        <p className="break-words">{message}</p>
        {kind && <p className="font-mono text-12 text-ink-2">{kind}</p>}
      </div>
      {retry && (
        <Button onClick={retry}>
          <RotateCw size={13} /> Try again
        </Button>
      )}
    </div>
  );
}

export function Skeletons({ rows = 12, height = 36 }: { rows?: number; height?: number }) {
  return (
    <div aria-busy="true" aria-label="Loading" role="status">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: every row is the same
        <div key={row} className="flex items-center gap-3 px-4" style={{ height }}>
          <div className="skeleton size-6" />
          <div className="skeleton h-3" style={{ width: `${22 + ((row * 37) % 20)}%` }} />
          <div className="skeleton h-3 flex-1" />
          <div className="skeleton h-3 w-16" />
        </div>
      ))}
    </div>
  );
}

/** A short lesson where there is nothing yet. */
export function Lesson({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="mx-auto w-full max-w-2xl px-4 py-10">
      <h2 className="text-16 font-semibold">{title}</h2>
      {children}
    </section>
  );
}

export function Snippet({ label, code }: { label: string; code: string }) {
  return (
    <figure className="mt-4 overflow-hidden rounded border border-line">
      <figcaption className="flex h-8 items-center justify-between border-b border-line bg-panel pr-1 pl-3 text-12 text-ink-2">
        {label}
        <CopyButton text={code} label={`Copy ${label}`} />
      </figcaption>
      <pre tabIndex={0} className="overflow-x-auto p-3 font-mono text-12 leading-5">
        {code}
      </pre>
    </figure>
  );
}
