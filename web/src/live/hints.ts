import { useEffect, useRef, useState } from "react";
import { checkSession } from "../api/client.ts";
import { checkReach } from "../api/reach.ts";
import type { Hint } from "../api/types.ts";

const BEFORE_REOPENING_MS = 5_000;

export type Liveness = "live" | "connecting" | "paused";

/**
 * Listens to a project's hints ("something new about traces") and hands each to `onHint`.
 * A hidden tab closes its stream, because a browser allows six per host. After that, a pause or a lost connection it
 * catches up with one hint.
 */
export function useHints(projectId: string, paused: boolean, onHint: (hint: Hint) => void): Liveness {
  const [liveness, setLiveness] = useState<Liveness>("connecting");
  const latest = useRef(onHint);
  latest.current = onHint;
  const isBehind = useRef(false);

  useEffect(() => {
    if (paused) {
      isBehind.current = true;
      return setLiveness("paused");
    }
    let source: EventSource | undefined;
    let reopening: ReturnType<typeof setTimeout> | undefined;

    const open = () => {
      setLiveness("connecting");
      source = new EventSource(`/api/web/projects/${projectId}/live`);
      source.onopen = () => {
        setLiveness("live");
        if (isBehind.current) latest.current({ topic: "traces", count: 1 });
        isBehind.current = false;
      };
      source.onerror = () => {
        setLiveness("connecting");
        isBehind.current = true;
        if (source?.readyState !== EventSource.CLOSED) return checkReach();
        // Refused rather than cut off: the browser does not try again.
        checkSession();
        reopening = setTimeout(open, BEFORE_REOPENING_MS);
      };
      source.addEventListener("hint", (event) => latest.current(JSON.parse(event.data)));
    };
    const follow = () => {
      clearTimeout(reopening);
      source?.close();
      source = undefined;
      if (document.hidden) isBehind.current = true;
      else open();
    };

    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      clearTimeout(reopening);
      source?.close();
    };
  }, [projectId, paused]);

  return liveness;
}
