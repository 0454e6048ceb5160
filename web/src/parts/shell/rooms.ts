import { useQuery } from "@tanstack/react-query";
import { useMatch } from "@tanstack/react-router";
import { KeyRound, ListTree, type LucideIcon, MessageCircleQuestionMark, Users } from "lucide-react";
import { useEffect } from "react";
import { session } from "../../api/queries.ts";
import type { Session } from "../../api/types.ts";
import type { TracesSearch } from "../search.ts";

type Verb = Session["projects"][number]["may"][number];

export interface Room {
  to: string;
  label: string;
  icon: LucideIcon;
  /** Shown only to whom the server lets do this. */
  needs?: Verb;
}

interface Group {
  label: string | null;
  rooms: Room[];
}

const TRACES = "/project/$projectId/traces";

/** A room stands here from the day it works. */
const GROUPS: Group[] = [
  {
    label: null,
    rooms: [{ to: "/project/$projectId/ask", label: "Ask", icon: MessageCircleQuestionMark, needs: "ask" }],
  },
  { label: "Observe", rooms: [{ to: TRACES, label: "Traces", icon: ListTree }] },
  {
    label: "Settings",
    rooms: [
      { to: "/project/$projectId/keys", label: "API keys", icon: KeyRound, needs: "keys.read" },
      { to: "/project/$projectId/members", label: "Members", icon: Users, needs: "people.read" },
    ],
  },
];

/** The rooms that this person may enter. */
export function useRoomGroups(projectId: string): Group[] {
  const { data } = useQuery(session);
  const may = data?.projects.find(({ id }) => id === projectId)?.may;
  const isOpen = ({ needs }: Room) => !needs || may?.includes(needs);
  return GROUPS.map((group) => ({ ...group, rooms: group.rooms.filter(isOpen) })).filter(
    ({ rooms }) => rooms.length > 0,
  );
}

export const useRooms = (projectId: string): Room[] =>
  useRoomGroups(projectId).flatMap((group) => group.rooms);

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
