import { useState } from "react";

/** State that a person keeps on this browser. */
export function useKept<Value>(name: string, initial: Value): [Value, (next: Value) => void] {
  const key = `sightline.${name}`;
  const [value, setValue] = useState<Value>(() => {
    const kept = localStorage.getItem(key);
    return kept === null ? initial : JSON.parse(kept);
  });
  const keep = (next: Value) => {
    localStorage.setItem(key, JSON.stringify(next));
    setValue(next);
  };
  return [value, keep];
}
