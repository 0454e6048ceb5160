import { useEffect, useRef } from "react";

type Handlers = Record<string, (event: KeyboardEvent) => void>;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

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
      if (!handler) return;
      const mayInterrupt = name.startsWith("mod+") || name === "escape";
      if (isTyping(event.target) && !mayInterrupt) return;
      event.preventDefault();
      handler(event);
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
