import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronUp, Maximize2, X } from "lucide-react";
import { type RefObject, useEffect, useRef } from "react";
import { IconButton } from "../button.tsx";
import { TraceView } from "./view.tsx";

interface SlideOverProps {
  projectId: string;
  traceId: string;
  observationId: string | undefined;
  choose: (observationId: string) => void;
  step: (by: 1 | -1) => void;
  close: () => void;
}

/** The panel takes the focus when it opens or shows another trace, and leaves it with the list when it closes. */
function useFocus(panel: RefObject<HTMLElement | null>, traceId: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: another trace may take away what had the focus
  useEffect(() => {
    if (!panel.current?.contains(document.activeElement)) panel.current?.focus({ preventScroll: true });
  }, [panel, traceId]);
  useEffect(
    () => () => {
      const isLost = document.activeElement === document.body;
      if (isLost) document.querySelector<HTMLElement>("[role=grid]")?.focus({ preventScroll: true });
    },
    [],
  );
}

/** A trace over its list, which keeps its place; not modal, so J and K walk on. */
export default function SlideOver({
  projectId,
  traceId,
  observationId,
  choose,
  step,
  close,
}: SlideOverProps) {
  const panel = useRef<HTMLElement>(null);
  useFocus(panel, traceId);
  const tools = (
    <>
      <IconButton label="Previous trace" keys="K" onClick={() => step(-1)}>
        <ChevronUp size={16} />
      </IconButton>
      <IconButton label="Next trace" keys="J" onClick={() => step(1)}>
        <ChevronDown size={16} />
      </IconButton>
      <Link
        to="/project/$projectId/traces/$traceId"
        params={{ projectId, traceId }}
        search={{ observation: observationId }}
        aria-label="Full page"
        title="Full page"
        className="inline-flex size-7 items-center justify-center rounded text-ink-2 hover:bg-sunken hover:text-ink"
      >
        <Maximize2 size={14} />
      </Link>
      <IconButton label="Close" keys="Esc" onClick={close}>
        <X size={16} />
      </IconButton>
    </>
  );
  return (
    <aside
      ref={panel}
      tabIndex={-1}
      aria-label="Trace"
      className="slide-in absolute inset-y-0 right-0 z-20 flex w-full flex-col border-l border-line-strong bg-canvas outline-none shadow-[-8px_0_24px_rgb(0_0_0/0.08)] md:w-[86%] xl:w-[78%]"
    >
      <TraceView
        projectId={projectId}
        traceId={traceId}
        observationId={observationId}
        choose={choose}
        tools={tools}
      />
    </aside>
  );
}
