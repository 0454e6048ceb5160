import { useEffect, useRef, useState } from "react";
import { paint, smooth } from "./scale.ts";

const SMOOTH_SIDE = 96;
const SMALL_PX = 200;

interface LookedImageProps {
  src: string;
  alt: string;
  grid: number[][] | null;
  most: number;
  isSmooth: boolean;
  opacity: number;
  caption?: string;
}

/** A picture at judging size with one word's map over it. */
export function LookedImage({ src, alt, grid, most, isSmooth, opacity, caption }: LookedImageProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 1, height: 1 });

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!canvas.current || !context || !grid) return;
    const cells = isSmooth ? smooth(grid, SMOOTH_SIDE) : grid;
    const width = cells[0]?.length ?? 0;
    canvas.current.width = width;
    canvas.current.height = cells.length;
    if (width) context.putImageData(new ImageData(paint(cells, most), width), 0, 0);
  }, [grid, most, isSmooth]);

  return (
    <figure className="min-w-0 flex-1">
      <div
        className="relative overflow-hidden rounded bg-sunken"
        style={{
          aspectRatio: `${size.width} / ${size.height}`,
          width: `min(100%, calc(56vh * ${size.width / size.height}))`,
        }}
      >
        <img
          src={src}
          alt={alt}
          onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) =>
            setSize({ width, height })
          }
          className="absolute inset-0 size-full transition-[filter] duration-100"
          style={{
            imageRendering: size.width < SMALL_PX ? "pixelated" : "auto",
            // Under a map the picture keeps its shapes and gives up its colours, so that only the scale speaks in colour.
            filter: grid ? `grayscale(${opacity})` : undefined,
          }}
        />
        <canvas
          ref={canvas}
          data-testid="looked-map"
          className="pointer-events-none absolute inset-0 size-full transition-opacity duration-100"
          style={{ imageRendering: isSmooth ? "auto" : "pixelated", opacity: grid ? opacity : 0 }}
        />
      </div>
      {caption && <figcaption className="mt-1 text-center text-12 text-ink-2">{caption}</figcaption>}
    </figure>
  );
}
