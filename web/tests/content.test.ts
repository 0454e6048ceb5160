import assert from "node:assert/strict";
import { test } from "node:test";
import { conversation, mediaIds, pieces } from "../src/parts/content/messages.ts";

const TOKEN = "@@@langfuseMedia:type=image/png|id=abc|source=base64_data_uri@@@";

test("a media token in a text becomes the picture it names", () => {
  assert.deepEqual(pieces(`before ${TOKEN} after`), [
    { kind: "text", text: "before " },
    { kind: "media", mediaId: "abc" },
    { kind: "text", text: " after" },
  ]);
  assert.deepEqual(mediaIds({ deep: [TOKEN] }), ["abc"]);
});

test("OpenTelemetry's messages are a conversation", () => {
  const parts = [
    { type: "blob", mime_type: "image/png", content: TOKEN },
    { type: "text", content: "which digit is red" },
  ];
  assert.deepEqual(conversation([{ role: "user", parts }]), [
    {
      role: "user",
      pieces: [
        { kind: "media", mediaId: "abc" },
        { kind: "text", text: "which digit is red" },
      ],
    },
  ]);
});

test("OpenAI's messages are a conversation, wrapped or not", () => {
  const messages = [{ role: "user", content: [{ type: "image_url", image_url: { url: TOKEN } }] }];
  const expected = [{ role: "user", pieces: [{ kind: "media", mediaId: "abc" }] }];
  assert.deepEqual(conversation({ messages }), expected);
  assert.deepEqual(conversation(messages), expected);
});

test("a picture at a foreign address is never fetched: it stays JSON", () => {
  const part = { type: "image_url", image_url: { url: "https://example.org/a.png" } };
  assert.deepEqual(conversation([{ role: "user", content: [part] }]), [
    { role: "user", pieces: [{ kind: "json", value: part }] },
  ]);
});

test("what has no roles is no conversation", () => {
  assert.equal(conversation([{ a: 1 }]), null);
  assert.equal(conversation([]), null);
  assert.equal(conversation("text"), null);
});
