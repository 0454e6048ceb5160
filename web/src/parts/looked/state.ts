import { useState } from "react";
import type { Looked } from "../../api/types.ts";
import { useKept } from "../kept.ts";
import { peak } from "./scale.ts";

/** Which words are pointed at and pinned, and how their maps are drawn. */
export interface LookedState {
  looked: Looked;
  pointed: number | null;
  point: (index: number | null) => void;
  pinned: number[];
  pin: (index: number) => void;
  unpin: () => void;
  /** The words whose maps are on screen: two when compared, else one or none. */
  shown: number[];
  most: number;
  isSmooth: boolean;
  setSmooth: (next: boolean) => void;
  opacity: number;
  setOpacity: (next: number) => void;
}

const NONE: Looked = { method: "", words: [] };

export function useLooked(maybe: Looked | null | undefined): LookedState {
  const looked = maybe ?? NONE;
  const [pointed, point] = useState<number | null>(null);
  const [pinned, setPinned] = useState<number[]>([]);
  const [isSmooth, setSmooth] = useKept("looked.smooth", true);
  const [opacity, setOpacity] = useKept("looked.opacity", 0.7);

  const pin = (index: number) =>
    setPinned((before) =>
      before.includes(index) ? before.filter((each) => each !== index) : [...before, index].slice(-2),
    );
  const unpin = () => setPinned([]);
  const pointedAt = pointed !== null && !pinned.includes(pointed) ? [pointed] : [];
  const shown = (pinned.length === 2 ? pinned : [...pointedAt, ...pinned].slice(0, 1)).filter(
    (index) => index < looked.words.length,
  );
  const most = Math.max(0, ...shown.map((index) => peak(looked.words[index]?.grid ?? [])));
  return {
    looked,
    pointed,
    point,
    pinned,
    pin,
    unpin,
    shown,
    most,
    isSmooth,
    setSmooth,
    opacity,
    setOpacity,
  };
}
