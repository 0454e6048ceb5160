import { type QueryFilters, useIsFetching, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { checkSession } from "../api/client.ts";
import { checkReach } from "../api/reach.ts";

const BEFORE_REOPENING_MS = 5_000;
const FIRST_LOADS: QueryFilters = { predicate: (query) => query.state.data === undefined };

export type Liveness = "live" | "connecting" | "paused";

/**
 * Listens to a project's hints and calls `onHint` for each: something is new, ask again.
 * A hidden tab closes its stream, because a browser allows six per host. After that, a pause or a lost connection it
 * catches up with one call. So it does when a hint came while something was loaded for the first time: the answer may
 * be older than the hint, and asking again meanwhile would only have waited for that answer.
 */
export function useHints(projectId: string, paused: boolean, onHint: () => void): Liveness {
  const [liveness, setLiveness] = useState<Liveness>("connecting");
  const latest = useRef(onHint);
  latest.current = onHint;
  const isBehind = useRef(false);
  const queries = useQueryClient();
  const isLoading = useIsFetching(FIRST_LOADS) > 0;
  const [wasEarly, setEarly] = useState(false);

  useEffect(() => {
    if (isLoading || !wasEarly) return;
    setEarly(false);
    latest.current();
  }, [isLoading, wasEarly]);

  useEffect(() => {
    if (paused) {
      isBehind.current = true;
      return setLiveness("paused");
    }
    let source: EventSource | undefined;
    let reopening: ReturnType<typeof setTimeout> | undefined;

    const tell = () => {
      latest.current();
      if (queries.isFetching(FIRST_LOADS)) setEarly(true);
    };
    const open = () => {
      setLiveness("connecting");
      source = new EventSource(`/api/web/projects/${projectId}/live`);
      source.onopen = () => {
        setLiveness("live");
        if (isBehind.current) tell();
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
      source.addEventListener("hint", tell);
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
  }, [projectId, paused, queries]);

  return liveness;
}
