import { useEffect, useRef } from "react";

/** A handler that answers `false` had nothing to do, and the key keeps its own meaning. */
type Handlers = Record<string, (event: KeyboardEvent) => unknown>;

const TYPED_INTO = "input, textarea, select, [role=listbox], [role=menu]";
const PRESSED = "button, a, summary, [role=button], [role=option], [role=treeitem], [role=menuitem]";

/** Whether the element that has the focus answers this key itself. */
function isTaken(target: EventTarget | null, name: string): boolean {
  if (!(target instanceof HTMLElement) || name.startsWith("mod+") || name === "escape") return false;
  if (target.isContentEditable || target.closest(TYPED_INTO)) return true;
  return (name === "enter" || name === " ") && target.closest(PRESSED) !== null;
}

/** "mod+k", "?", "j", "escape"; single letters are ignored while a person types. */
function nameOf(event: KeyboardEvent): string {
  const key = event.key.toLowerCase();
  return event.ctrlKey || event.metaKey ? `mod+${key}` : key;
}

/** Answers keys for as long as the component is shown; the one shown last hears them first. */
export function useKeys(handlers: Handlers): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey) return;
      const name = nameOf(event);
      const handler = latest.current[name];
      if (!handler || isTaken(event.target, name)) return;
      if (handler(event) !== false) event.preventDefault();
    };
    stack.unshift(listen);
    return () => {
      stack.splice(stack.indexOf(listen), 1);
    };
  }, []);
}

const stack: ((event: KeyboardEvent) => void)[] = [];
addEventListener("keydown", (event) => {
  for (const listen of [...stack]) listen(event);
});
