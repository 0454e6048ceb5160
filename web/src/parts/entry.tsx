import type { FormEvent, InputHTMLAttributes, ReactNode } from "react";
import { Mark } from "./shell/rail.tsx";

const BOX = "w-full max-w-sm rounded border border-line bg-canvas p-6";

/** A page before the rooms: one box in the middle, a form where `submit` is given. */
export function Entry(props: { title: string; submit?: (fields: FormData) => void; children: ReactNode }) {
  const inside = (
    <>
      <div className="flex items-center gap-2">
        <Mark size={22} />
        <h1 className="text-16 font-semibold">{props.title}</h1>
      </div>
      {props.children}
    </>
  );
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    props.submit?.(new FormData(event.currentTarget));
  };
  return (
    <main className="flex min-h-full items-center justify-center bg-panel p-4">
      {props.submit ? (
        <form onSubmit={submit} className={BOX}>
          {inside}
        </form>
      ) : (
        <div className={BOX}>{inside}</div>
      )}
    </main>
  );
}

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
}

export function Field({ label, className = "mt-3", ...rest }: FieldProps) {
  return (
    <label className={`block ${className}`}>
      {label}
      <input
        {...rest}
        className="mt-1 h-9 w-full rounded border border-line-strong bg-canvas px-3 text-14 placeholder:text-ink-3 read-only:bg-panel read-only:text-ink-2 invalid:user-invalid:border-red"
      />
    </label>
  );
}

/** Characters of a new password: the server's own bounds. */
const SHORTEST = 12;
const LONGEST = 1000;

export function NewPassword({ label, className }: { label: string; className?: string }) {
  return (
    <Field
      label={`${label} (at least ${SHORTEST} characters)`}
      name="password"
      type="password"
      required
      minLength={SHORTEST}
      maxLength={LONGEST}
      autoComplete="new-password"
      className={className}
    />
  );
}

export function Problem({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className="mt-3 rounded bg-red-soft px-3 py-2 break-words text-red">
      {children}
    </p>
  );
}

/** The sentence of what went wrong. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
