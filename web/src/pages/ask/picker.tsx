import { useQuery } from "@tanstack/react-query";
import { ImageUp } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { samples } from "~/api/queries.ts";
import type { Sample } from "~/api/types.ts";
import { type AskImage, fromFile, fromUrl } from "./image.ts";

interface PickerProps {
  projectId: string;
  modelId: string;
  chosen: AskImage | null;
  choose: (image: AskImage) => void;
}

/** Pick a sample, or drop, paste, choose or photograph an image of one's own. */
export function Picker({ projectId, modelId, chosen, choose }: PickerProps) {
  const { data } = useQuery(samples(projectId, modelId));
  const [problem, setProblem] = useState<string | null>(null);
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const latest = useRef(choose);
  latest.current = choose;

  const settle = async (image: Promise<AskImage>) => {
    try {
      latest.current(await image);
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const take = useRef((files: FileList | undefined | null) => {
    const file = files?.[0];
    if (file) settle(fromFile(file));
  });
  useEffect(() => {
    const paste = (event: ClipboardEvent) => take.current(event.clipboardData?.files);
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  }, []);
  const pick = (sample: Sample) => settle(fromUrl(sample.url, sample.id, sample.suggestions));

  return (
    <section aria-label="Image" className="space-y-3">
      <div
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          take.current(event.dataTransfer.files);
        }}
      >
        <button
          type="button"
          onClick={() => input.current?.click()}
          className={`flex w-full items-center justify-center gap-2 rounded border border-dashed px-4 text-ink-2 transition-colors duration-100 hover:border-accent hover:text-ink ${chosen ? "h-10" : "h-20"} ${isOver ? "border-accent bg-accent-soft" : "border-line-strong"}`}
        >
          <ImageUp size={16} aria-hidden="true" />
          {chosen ? "Another image" : "Drop or paste an image, or choose one"}
        </button>
        <input
          ref={input}
          type="file"
          aria-label="Image file"
          accept="image/png,image/jpeg,image/webp,image/gif"
          onChange={(event) => {
            take.current(event.target.files);
            event.target.value = "";
          }}
          className="hidden"
        />
      </div>
      {problem && (
        <p role="alert" className="rounded bg-red-soft px-3 py-2 text-red">
          {problem}
        </p>
      )}
      {data && data.data.length > 0 && (
        <div>
          <h2 className="mb-1.5 text-12 text-ink-3">Samples the model never saw in training</h2>
          <div className="grid grid-cols-[repeat(auto-fill,minmax(64px,1fr))] gap-1.5">
            {data.data.map((sample) => (
              <button
                key={sample.id}
                type="button"
                aria-pressed={chosen?.label === sample.id}
                title={sample.id}
                onClick={() => pick(sample)}
                className="overflow-hidden rounded border-2 border-transparent hover:border-line-strong aria-pressed:border-accent"
              >
                <img
                  src={sample.url}
                  alt={`Sample ${sample.id}`}
                  loading="lazy"
                  className="aspect-square w-full object-cover"
                  style={{ imageRendering: "pixelated" }}
                />
              </button>
            ))}
          </div>
        </div>
      )}
    </section>
  );
}
