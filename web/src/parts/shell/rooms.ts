import { useMatch } from "@tanstack/react-router";
import { KeyRound, ListTree, type LucideIcon, MessageCircleQuestionMark, Users } from "lucide-react";
import { useEffect } from "react";
import type { TracesSearch } from "../search.ts";

export interface Room {
  to: string;
  label: string;
  icon: LucideIcon;
}

interface Group {
  label: string | null;
  rooms: Room[];
}

const TRACES = "/project/$projectId/traces";

/** A room stands here from the day it works. */
export const GROUPS: Group[] = [
  { label: null, rooms: [{ to: "/project/$projectId/ask", label: "Ask", icon: MessageCircleQuestionMark }] },
  { label: "Observe", rooms: [{ to: TRACES, label: "Traces", icon: ListTree }] },
  {
    label: "Settings",
    rooms: [
      { to: "/project/$projectId/keys", label: "API keys", icon: KeyRound },
      { to: "/project/$projectId/members", label: "Members", icon: Users },
    ],
  },
];

export const ROOMS = GROUPS.flatMap((group) => group.rooms);

const left = new Map<string, TracesSearch>();

/** Remembers how each project's list is narrowed, for the way back to it. */
export function useKeepList(projectId: string): void {
  const search = useMatch({ from: TRACES, shouldThrow: false, select: (match) => match.search });
  useEffect(() => {
    if (!search) return;
    const { peek: _peek, observation: _observation, ...list } = search;
    left.set(projectId, list);
  }, [projectId, search]);
}

/** What a link to a room carries: to the list from elsewhere, as it was left; on the list itself, nothing. */
export function useRoomSearch(projectId: string): (to: string) => TracesSearch {
  const isOnList = useMatch({ from: TRACES, shouldThrow: false, select: () => true });
  return (to) => (to === TRACES && !isOnList && left.get(projectId)) || {};
}
