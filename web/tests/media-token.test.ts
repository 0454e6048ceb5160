import assert from "node:assert/strict";
import { test } from "node:test";
// The same examples hold the server's definition, in `tests/server/runtime/test_media_tokens.py`.
import examples from "../../tests/server/runtime/media_tokens.json";
import { family, tokensIn } from "../src/parts/content/media-token.ts";

for (const { name, text, tokens } of examples) {
  test(`media tokens: ${name}`, () => {
    const found = tokensIn(text);
    assert.deepEqual(
      found.map(({ contentType, id, source }) => ({ contentType, id, source })),
      tokens,
    );
    for (const each of found) assert.equal(text.slice(each.start, each.start + each.text.length), each.text);
  });
}

test("a type belongs to the family before its slash, in any case", () => {
  assert.deepEqual(["audio/wav", "Image/PNG", "image"].map(family), ["audio", "image", "image"]);
});
