import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { count } from "../format.ts";

const LINE_PX = 20;
const GAP_PX = 4;

interface ClampedProps {
  /** What the children are, for the button that shows them all. */
  what: string;
  lines: number;
  children: ReactNode[];
}

/** As many chips as fit into a few lines; a button says how many more there are and shows them. */
export function Clamped({ what, lines, children }: ClampedProps) {
  const box = useRef<HTMLDivElement>(null);
  const [hidden, setHidden] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const most_px = lines * LINE_PX + (lines - 1) * GAP_PX;
  const total = children.length;
  useLayoutEffect(() => {
    const shown = box.current;
    if (!shown || !total) return;
    const measure = () => {
      const chips = [...shown.children] as HTMLElement[];
      setHidden(chips.filter((chip) => chip.offsetTop - shown.offsetTop >= most_px).length);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(shown);
    measure();
    return () => observer.disconnect();
  }, [most_px, total]);
  if (!total) return null;
  return (
    <div className="flex items-end gap-1">
      <div
        ref={box}
        className={`flex min-w-0 flex-wrap gap-1 ${isOpen ? "" : "overflow-hidden"}`}
        style={isOpen ? undefined : { maxHeight: most_px }}
      >
        {children}
      </div>
      {hidden > 0 && (
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
          className="h-5 shrink-0 rounded-sm px-1 text-12 whitespace-nowrap text-accent hover:underline"
        >
          {isOpen ? `Fewer ${what}` : `+${count(hidden)} more`}
        </button>
      )}
    </div>
  );
}
