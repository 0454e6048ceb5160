import { lazy, Suspense, useContext } from "react";
import { mediaUrl } from "../../api/queries.ts";
import { family } from "./media-token.ts";
import { Picture } from "./picture.tsx";
import { ProjectContext } from "./project.ts";

const FileCard = lazy(() => import("./file-card.tsx"));

/** The file that a media token names, in the project whose page this is: a picture, or a card for all else. */
export function StoredFile({ mediaId, contentType }: { mediaId: string; contentType: string }) {
  const src = mediaUrl(useContext(ProjectContext), mediaId);
  const card = (note?: string) => (
    <Suspense fallback={<span className="block h-12" />}>
      <FileCard src={src} contentType={contentType} note={note} />
    </Suspense>
  );
  if (family(contentType) !== "image") return card();
  return <Picture src={src} alt="Attached" instead={card("This image cannot be shown")} />;
}
