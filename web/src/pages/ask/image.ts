import { bytes } from "~/parts/format.ts";

export interface AskImage {
  /** A data URI: what is shown is what is sent. */
  src: string;
  label: string;
  suggestions: string[];
}

const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const MOST_BYTES = 8 * 1024 * 1024;

function dataUri(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** Refuses what only bears the name of an image, before it is shown or sent. */
async function decodes(file: File): Promise<void> {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) {
    throw new Error(`${file.name} cannot be read as an image: choose a PNG, JPEG, WebP or GIF image.`);
  }
  picture.close();
}

/** Reads a picked, dropped or pasted file; throws with the way out when it cannot be asked about. */
export async function fromFile(file: File): Promise<AskImage> {
  if (!TYPES.includes(file.type)) {
    const kind = file.type || "of an unknown type";
    throw new Error(`${file.name} is ${kind}: choose a PNG, JPEG, WebP or GIF image.`);
  }
  if (file.size > MOST_BYTES) {
    throw new Error(
      `${file.name} has ${bytes(file.size)}, at most ${bytes(MOST_BYTES)} go through: make it smaller.`,
    );
  }
  await decodes(file);
  return { src: await dataUri(file), label: file.name, suggestions: [] };
}

/** Fetches a sample of the model's, to be sent as any other image. */
export async function fromUrl(url: string, label: string, suggestions: string[]): Promise<AskImage> {
  const response = await fetch(url);
  if (!response.ok)
    throw new Error(`The sample could not be loaded (${response.status}). Choose another one.`);
  return { src: await dataUri(await response.blob()), label, suggestions };
}
