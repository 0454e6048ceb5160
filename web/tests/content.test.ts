import assert from "node:assert/strict";
import { test } from "node:test";
import { conversation, mediaIds, pieces } from "../src/parts/content/messages.ts";

const TOKEN = "@@@langfuseMedia:type=image/png|id=abc|source=base64_data_uri@@@";

test("a media token in a text becomes the picture it names", () => {
  assert.deepEqual(pieces(`before ${TOKEN} after`), [
    { kind: "text", text: "before " },
    { kind: "media", mediaId: "abc", contentType: "image/png" },
    { kind: "text", text: " after" },
  ]);
  assert.deepEqual(mediaIds({ deep: [TOKEN] }), ["abc"]);
});

const said = (value: unknown) => conversation(value)?.messages;

test("OpenTelemetry's messages are a conversation", () => {
  const parts = [
    { type: "blob", mime_type: "image/png", content: TOKEN },
    { type: "text", content: "which digit is red" },
  ];
  assert.deepEqual(said([{ role: "user", parts }]), [
    {
      role: "user",
      name: null,
      pieces: [
        { kind: "media", mediaId: "abc", contentType: "image/png" },
        { kind: "text", text: "which digit is red" },
      ],
    },
  ]);
});

test("OpenAI's messages are a conversation, wrapped or not", () => {
  const messages = [{ role: "user", content: [{ type: "image_url", image_url: { url: TOKEN } }] }];
  const expected = [
    { role: "user", name: null, pieces: [{ kind: "media", mediaId: "abc", contentType: "image/png" }] },
  ];
  assert.deepEqual(conversation({ messages }), { messages: expected, rest: null });
  assert.deepEqual(conversation(messages), { messages: expected, rest: null });
});

test("a picture at a foreign address is never fetched: it stays JSON", () => {
  const part = { type: "image_url", image_url: { url: "https://example.org/a.png" } };
  assert.deepEqual(said([{ role: "user", content: [part] }]), [
    { role: "user", name: null, pieces: [{ kind: "json", value: part }] },
  ]);
});

test("audio and files of OpenAI's messages are files, what is said beside them stays", () => {
  const sound = TOKEN.replace("image/png", "audio/wav");
  const paper = TOKEN.replace("image/png", "application/pdf");
  const content = [
    { type: "input_audio", input_audio: { data: sound, format: "wav" } },
    { type: "file", file: { file_data: paper, filename: "bill.pdf" } },
  ];
  assert.deepEqual(said([{ role: "user", content }])?.[0]?.pieces, [
    { kind: "media", mediaId: "abc", contentType: "audio/wav" },
    { kind: "json", name: "also", value: { format: "wav" } },
    { kind: "media", mediaId: "abc", contentType: "application/pdf" },
    { kind: "json", name: "also", value: { filename: "bill.pdf" } },
  ]);
});

test("what has no roles, or roles but nothing said, is no conversation", () => {
  assert.equal(conversation([{ a: 1 }]), null);
  assert.equal(conversation([]), null);
  assert.equal(conversation("text"), null);
  assert.equal(conversation([{ name: "Ann", role: "CEO", email: "ann@example.org" }]), null);
});

test("what a request says beside its messages is kept", () => {
  const messages = [{ role: "user", content: "hi" }];
  const request = { messages, tools: [{ name: "search" }], temperature: 0.2, stop: null };
  assert.deepEqual(conversation(request)?.rest, { tools: [{ name: "search" }], temperature: 0.2 });
});

test("a message keeps its name and every other field", () => {
  assert.deepEqual(said([{ role: "user", name: "Ann", content: "hi" }]), [
    { role: "user", name: "Ann", pieces: [{ kind: "text", text: "hi" }] },
  ]);
  assert.deepEqual(said([{ role: "tool", tool_call_id: "call_1", content: "18" }])?.[0]?.pieces, [
    { kind: "text", text: "18" },
    { kind: "json", name: "also", value: { tool_call_id: "call_1" } },
  ]);
  assert.deepEqual(
    said([{ role: "assistant", content: null, tool_calls: [{ id: "call_1" }] }])?.[0]?.pieces,
    [{ kind: "json", name: "tool_calls", value: [{ id: "call_1" }] }],
  );
});

test("a part keeps what it says beside its text or its picture", () => {
  const content = [
    { type: "text", text: "hi", cache_control: { type: "ephemeral" } },
    { type: "image_url", image_url: { url: TOKEN, detail: "high" } },
  ];
  assert.deepEqual(said([{ role: "user", content }])?.[0]?.pieces, [
    { kind: "text", text: "hi" },
    { kind: "json", name: "also", value: { cache_control: { type: "ephemeral" } } },
    { kind: "media", mediaId: "abc", contentType: "image/png" },
    { kind: "json", name: "also", value: { detail: "high" } },
  ]);
});
