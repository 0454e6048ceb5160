// Writes a .br and a .gz beside every text file of the build that gets smaller by it: the server sends these as they
// are and never compresses on its event loop.
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin } from "vite";

const TEXT = new Set([".js", ".css", ".svg", ".txt", ".json"]);
/** Smaller files travel in one packet anyway. */
const SMALLEST_BYTES = 1024;

const encodings = {
  ".br": (data: Buffer) =>
    promisify(brotliCompress)(data, {
      params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY },
    }),
  ".gz": (data: Buffer) => promisify(gzip)(data, { level: constants.Z_BEST_COMPRESSION }),
};

async function compress(file: string): Promise<void> {
  const data = await readFile(file);
  if (data.length < SMALLEST_BYTES) return;
  for (const [suffix, encode] of Object.entries(encodings)) {
    const packed = await encode(data);
    if (packed.length < data.length) await writeFile(`${file}${suffix}`, packed);
  }
}

export function precompress(): Plugin {
  let folder = "";
  return {
    name: "sightline:precompress",
    apply: "build",
    configResolved({ root, build }) {
      folder = path.resolve(root, build.outDir);
    },
    async closeBundle(error?: Error) {
      if (error) return;
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      const texts = entries.filter((entry) => entry.isFile() && TEXT.has(path.extname(entry.name)));
      await Promise.all(texts.map((entry) => compress(path.join(entry.parentPath, entry.name))));
    },
  };
}
