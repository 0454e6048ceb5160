import { ImageOff } from "lucide-react";
import { type ReactNode, useState } from "react";

const SMALL_PX = 200;

interface PictureProps {
  src: string;
  alt?: string;
  /** Stands in the place of what is no picture after all. */
  instead?: ReactNode;
}

/** A picture at the size a person can judge; a small one is enlarged without blur. */
export function Picture({ src, alt = "", instead }: PictureProps) {
  const [state, setState] = useState<"loading" | "small" | "shown" | "failed">("loading");
  if (state === "failed") {
    return (
      instead ?? (
        <span className="inline-flex items-center gap-2 rounded bg-sunken px-3 py-2 text-12 text-ink-2">
          <ImageOff size={14} /> This image cannot be shown
        </span>
      )
    );
  }
  return (
    <img
      src={src}
      alt={alt}
      onLoad={(event) => setState(event.currentTarget.naturalWidth < SMALL_PX ? "small" : "shown")}
      onError={() => setState("failed")}
      className="block max-h-80 max-w-full rounded border border-line bg-sunken object-contain"
      style={state === "small" ? { width: 256, imageRendering: "pixelated" } : undefined}
    />
  );
}
