import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const KEY = "sightline.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
const tell = () => {
  for (const listener of listeners) listener();
};
system.addEventListener("change", tell);

export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function chooseTheme(next: Theme): void {
  if (next === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, next);
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  tell();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, theme);

/** Changes whenever a colour may have; for what paints by itself, such as charts. */
export const useIsDark = (): boolean =>
  useSyncExternalStore(subscribe, () => {
    const chosen = theme();
    return chosen === "system" ? system.matches : chosen === "dark";
  });

export function useMedia(media: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = matchMedia(media);
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    () => matchMedia(media).matches,
  );
}

export const NARROW = "(max-width: 767px)";
