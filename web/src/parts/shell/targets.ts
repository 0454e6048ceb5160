import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { firstPage, session } from "../../api/queries.ts";
import { chooseTheme, type Theme, useTheme } from "../theme.ts";
import { useRoomSearch, useRooms } from "./rooms.ts";
import { signOut } from "./sign-out.ts";

export interface Target {
  id: string;
  label: string;
  hint: string;
  go: () => void;
}

const WHOLE_ID = /^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
const SHORTEST_ID = 3;
const MOST_TRACES = 5;
const WAIT_MS = 200;

/** A text once nobody has typed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), WAIT_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

/** Traces by id: one that looks whole is taken at its word, any other text is offered once the server knows it. */
function useTraces(projectId: string, text: string): Target[] {
  const navigate = useNavigate();
  const settled = useSettled(text);
  const isWhole = WHOLE_ID.test(text);
  const { data } = useQuery({
    queryKey: ["palette", projectId, settled],
    queryFn: () => firstPage(projectId, { search: settled, range: "all" }),
    enabled: settled === text && !isWhole && text.length >= SHORTEST_ID && !/\s/.test(text),
  });
  const found = isWhole
    ? [{ id: text, name: null }]
    : (data?.data ?? []).filter(({ id }) => settled === text && id.startsWith(text)).slice(0, MOST_TRACES);
  return found.map(({ id, name }) => ({
    id: `trace ${id}`,
    label: `Trace ${id}`,
    hint: name ?? "Open",
    go: () =>
      navigate({ to: "/project/$projectId/traces/$traceId", params: { projectId, traceId: id }, search: {} }),
  }));
}

const THEMES: Record<Theme, string> = { light: "light", dark: "dark", system: "as the system" };

/** What the foot and the head of the rail do; on a narrow screen this is the only place for it. */
function useCommands(projectId: string): Target[] {
  const navigate = useNavigate();
  const current = useTheme();
  const { data } = useQuery(session);
  const projects = (data?.projects ?? []).filter(({ id }) => id !== projectId);
  const themes = (Object.keys(THEMES) as Theme[]).filter((theme) => theme !== current);
  return [
    ...projects.map(({ id, name }) => ({
      id: `project ${id}`,
      label: `Project: ${name}`,
      hint: "Switch to",
      go: () => navigate({ to: "/project/$projectId/traces", params: { projectId: id } }),
    })),
    ...themes.map((theme) => ({
      id: `theme ${theme}`,
      label: `Theme: ${THEMES[theme]}`,
      hint: "Choose",
      go: () => chooseTheme(theme),
    })),
    {
      id: "account",
      label: "My account",
      hint: data?.user.email ?? "",
      go: () => navigate({ to: "/account" }),
    },
    { id: "sign out", label: "Sign out", hint: data?.user.email ?? "", go: signOut },
  ];
}

/** Everything the palette can do with what is written in it. */
export function useTargets(projectId: string, written: string): Target[] {
  const navigate = useNavigate();
  const searchOf = useRoomSearch(projectId);
  const text = written.trim();
  const traces = useTraces(projectId, text);
  const rooms = useRooms(projectId).map(({ to, label }) => ({
    id: to,
    label,
    hint: "Go to",
    go: () => navigate({ to, params: { projectId }, search: searchOf(to) }),
  }));
  const named = [...rooms, ...useCommands(projectId)].filter(({ label }) =>
    label.toLowerCase().includes(text.toLowerCase()),
  );
  if (!text) return named;
  const search = {
    id: "search",
    label: `Traces that mention “${text}”`,
    hint: "Search",
    go: () => navigate({ to: "/project/$projectId/traces", params: { projectId }, search: { search: text } }),
  };
  return [...traces, ...named, search];
}
