/** A reference to a stored file in the place of its content; `runtime/media_tokens.py` reads the same texts alike. */
export interface MediaToken {
  /** As it stands in the text. */
  text: string;
  start: number;
  contentType: string;
  id: string;
  source: string;
}

const TOKEN = /@@@langfuseMedia:type=(\w+[^|@]*)\|id=([\w-]{1,64})\|source=([^|@]+)@@@/g;

/** The tokens of a text, in order. */
export const tokensIn = (text: string): MediaToken[] =>
  [...text.matchAll(TOKEN)].map(({ 0: whole, 1: type = "", 2: id = "", 3: source = "", index }) => ({
    text: whole,
    start: index,
    // JSON of PHP escapes the slash.
    contentType: type.replaceAll("\\", ""),
    id,
    source,
  }));

/** The part of a type before the slash, as in `audio/wav`. */
export const family = (contentType: string): string => contentType.split("/", 1)[0]?.toLowerCase() ?? "";
