import type { ButtonHTMLAttributes, ReactNode } from "react";

const LOOKS = {
  primary: "bg-accent text-accent-ink hover:opacity-90 font-medium",
  quiet: "text-ink-2 hover:bg-sunken hover:text-ink",
  plain: "border border-line-strong bg-canvas hover:bg-panel text-ink",
} as const;

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: keyof typeof LOOKS;
  children: ReactNode;
}

export function Button({ look = "plain", className = "", children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`inline-flex h-7 items-center justify-center gap-1.5 whitespace-nowrap rounded px-2.5 text-13 transition-colors duration-100 disabled:opacity-50 ${LOOKS[look]} ${className}`}
      {...rest}
    >
      {children}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  label: string;
  keys?: string;
  children: ReactNode;
}

/** A button that is only an icon; its label is read aloud and shown on hover with its key. */
export function IconButton({ label, keys, className = "", children, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={keys ? `${label} (${keys})` : label}
      className={`inline-flex size-7 shrink-0 items-center justify-center rounded text-ink-2 transition-colors duration-100 hover:bg-sunken hover:text-ink disabled:opacity-40 aria-pressed:bg-accent-soft aria-pressed:text-accent ${className}`}
      {...rest}
    >
      {children}
    </button>
  );
}
