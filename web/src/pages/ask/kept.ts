import { useSyncExternalStore } from "react";
import type { Done } from "~/api/types.ts";
import type { AskImage } from "./image.ts";

export interface Turn {
  /** Null asks for a caption. */
  question: string | null;
  text: string;
  done: Done | null;
  problem: string | null;
}

export interface Conversation {
  /** Undefined until a person chooses one: the first is taken then. */
  modelId: string | undefined;
  image: AskImage | null;
  turns: Turn[];
}

const NOTHING: Conversation = { modelId: undefined, image: null, turns: [] };
const MOST_TURNS = 50;
const CUT_OFF = "The page was loaded anew before the answer had come. Ask again.";

const conversations = new Map<string, Conversation>();
const listeners = new Set<() => void>();
const place = (projectId: string) => `sightline.ask.${projectId}`;

function stored(projectId: string): Conversation {
  const text = sessionStorage.getItem(place(projectId));
  if (text === null) return NOTHING;
  const found: Conversation = JSON.parse(text);
  const turns = found.turns.map((turn) => (turn.done || turn.problem ? turn : { ...turn, problem: CUT_OFF }));
  return { ...found, turns };
}

export function kept(projectId: string): Conversation {
  const found = conversations.get(projectId) ?? stored(projectId);
  conversations.set(projectId, found);
  return found;
}

/** Changes a project's conversation: it outlives the page, and a reload where this browser has room for it. */
export function keep(projectId: string, change: (before: Conversation) => Conversation): void {
  const changed = change(kept(projectId));
  conversations.set(projectId, { ...changed, turns: changed.turns.slice(-MOST_TURNS) });
  for (const listener of listeners) listener();
}

/** Writes down what a reload would lose; an image too large for the browser's store lives as long as the tab. */
export function store(projectId: string): void {
  sessionStorage.removeItem(place(projectId));
  try {
    sessionStorage.setItem(place(projectId), JSON.stringify(kept(projectId)));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useKeptConversation = (projectId: string): Conversation =>
  useSyncExternalStore(subscribe, () => kept(projectId));
