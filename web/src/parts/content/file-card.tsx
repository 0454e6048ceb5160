import { useQuery } from "@tanstack/react-query";
import { Download, ExternalLink, File, FileText, ImageOff, Music, Video } from "lucide-react";
import { type ComponentProps, useState } from "react";
import { request } from "../../api/reach.ts";
import { bytes } from "../format.ts";
import { family } from "./media-token.ts";

const ICONS: Record<string, typeof File> = { audio: Music, video: Video, text: FileText, image: ImageOff };
const PDF = "application/pdf";

interface Size {
  bytes: number | null;
  isThere: boolean;
}

/** What the server says of the file without sending it. */
async function sizeOf(src: string, signal: AbortSignal): Promise<Size> {
  const { ok, headers } = await request(src, { method: "HEAD", credentials: "same-origin", signal });
  const length = headers.get("content-length");
  return { bytes: ok && length !== null ? Number(length) : null, isThere: ok };
}

function Player({ kind, src }: { kind: string; src: string }) {
  const [isBroken, setBroken] = useState(false);
  // A card appears a moment after its parts were made: an error in between reaches no handler.
  const notice = (element: HTMLMediaElement | null) => {
    if (element?.error) setBroken(true);
  };
  if (isBroken)
    return <span className="block text-12 text-ink-2">This browser cannot play it: download it instead</span>;
  const common = {
    controls: true,
    preload: "metadata",
    src,
    ref: notice,
    onError: () => setBroken(true),
  } as const;
  if (kind === "audio") return <audio {...common} aria-label="Attached audio" className="block w-full" />;
  return (
    <video {...common} aria-label="Attached video" className="block max-h-80 w-full rounded bg-sunken" />
  );
}

function Link({ children, ...rest }: ComponentProps<"a">) {
  return (
    <a {...rest} className="inline-flex items-center gap-1 rounded-sm text-accent hover:underline">
      {children}
    </a>
  );
}

interface FileCardProps {
  src: string;
  contentType: string;
  note?: string;
}

/** A stored file that is no picture: what it is, how large, and how to get it. */
export default function FileCard({ src, contentType, note }: FileCardProps) {
  const { data: size } = useQuery({
    queryKey: ["file size", src],
    queryFn: ({ signal }) => sizeOf(src, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const kind = family(contentType);
  const Icon = contentType === PDF ? FileText : (ICONS[kind] ?? File);
  const isThere = size?.isThere ?? true;
  return (
    <span
      role="group"
      aria-label={`Attached file, ${contentType}`}
      className="block w-full max-w-md space-y-2 rounded border border-line bg-panel px-3 py-2 font-sans text-13"
    >
      <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="inline-flex min-w-0 items-center gap-2">
          <Icon size={14} className="shrink-0 text-ink-3" />
          <span className="min-w-0 break-all font-mono text-12">{contentType}</span>
        </span>
        {size?.bytes != null && <span className="text-12 text-ink-2">{bytes(size.bytes)}</span>}
        {isThere && (
          <span className="ml-auto inline-flex gap-3 text-12">
            {contentType === PDF && (
              <Link href={src} target="_blank" rel="noopener noreferrer">
                <ExternalLink size={12} /> Open
              </Link>
            )}
            <Link href={src} download>
              <Download size={12} /> Download
            </Link>
          </span>
        )}
      </span>
      {!isThere && <span className="block text-12 text-ink-2">Its content was never uploaded</span>}
      {isThere && note && <span className="block text-12 text-ink-2">{note}</span>}
      {isThere && (kind === "audio" || kind === "video") && <Player kind={kind} src={src} />}
    </span>
  );
}
