import { ImageOff } from "lucide-react";
import { useContext, useState } from "react";
import { mediaUrl } from "../../api/queries.ts";
import { ProjectContext } from "./project.ts";

const SMALL_PX = 200;

/** A picture at the size a person can judge; a small one is enlarged without blur. */
export function Picture({ src, alt = "" }: { src: string; alt?: string }) {
  const [state, setState] = useState<"loading" | "small" | "shown" | "failed">("loading");
  if (state === "failed") {
    return (
      <span className="inline-flex items-center gap-2 rounded bg-sunken px-3 py-2 text-12 text-ink-2">
        <ImageOff size={14} /> This image cannot be shown. Open the trace again to retry.
      </span>
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

/** The picture that a media token names, in the project whose page this is. */
export function StoredPicture({ mediaId }: { mediaId: string }) {
  const projectId = useContext(ProjectContext);
  return <Picture src={mediaUrl(projectId, mediaId)} alt="Attached" />;
}
