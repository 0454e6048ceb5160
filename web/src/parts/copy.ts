import { useEffect, useState } from "react";

/** Over plain http to another host a browser lends no clipboard; there a selected text can still be copied. */
function copySelected(text: string): boolean {
  const focused = document.activeElement;
  const box = document.createElement("textarea");
  box.value = text;
  box.readOnly = true;
  box.style.position = "fixed";
  box.style.opacity = "0";
  document.body.append(box);
  box.select();
  const isCopied = document.execCommand("copy");
  box.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return isCopied;
}

/** Puts a text on the clipboard; false where the browser lets no page do so. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

export type Copied = "no" | "copied" | "failed";

const SHOWN_MS = { copied: 1500, failed: 6000 };

/** Copies, and remembers for a moment how that went. */
export function useCopy(): [Copied, (text: string) => void] {
  const [state, setState] = useState<Copied>("no");
  useEffect(() => {
    if (state === "no") return;
    const timer = setTimeout(() => setState("no"), SHOWN_MS[state]);
    return () => clearTimeout(timer);
  }, [state]);
  return [state, async (text) => setState((await copy(text)) ? "copied" : "failed")];
}
