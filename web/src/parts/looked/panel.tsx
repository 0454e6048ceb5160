import type { Looked } from "../../api/types.ts";
import { LookedControls } from "./controls.tsx";
import { LookedImage } from "./map.tsx";
import { type LookedState, useLooked } from "./state.ts";
import { LookedWords } from "./words.tsx";

interface LookedPanelProps {
  src: string;
  alt: string;
  looked: Looked;
}

/** The image, once or (with two words pinned) twice side by side. */
export function LookedImages({ src, alt, state }: { src: string; alt: string; state: LookedState }) {
  const isCompared = state.shown.length === 2;
  const indices = state.shown.length ? state.shown : [-1];
  return (
    <div className="flex gap-2">
      {indices.map((index, place) => (
        <LookedImage
          // biome-ignore lint/suspicious/noArrayIndexKey: the picture stays in its place while its word changes
          key={place}
          src={src}
          alt={alt}
          grid={state.looked.words[index]?.grid ?? null}
          most={state.most}
          isSmooth={state.isSmooth}
          opacity={state.opacity}
          caption={isCompared ? state.looked.words[index]?.text.trim() : undefined}
        />
      ))}
    </div>
  );
}

/** Where the model looked: the picture, the words of the answer, the scale. */
export function LookedPanel({ src, alt, looked }: LookedPanelProps) {
  const state = useLooked(looked);
  return (
    <div className="space-y-2">
      <LookedImages src={src} alt={alt} state={state} />
      <LookedWords state={state} />
      <LookedControls state={state} />
    </div>
  );
}
