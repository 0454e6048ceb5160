import assert from "node:assert/strict";
import { test } from "node:test";
import { events } from "../src/api/events.ts";
import type { TracePage, TraceRow } from "../src/api/types.ts";
import { admit } from "../src/pages/traces/admit.ts";

const row = (id: string, minute: number) =>
  ({ id, timestamp: `2026-11-24T12:${String(minute).padStart(2, "0")}:00Z` }) as TraceRow;
const page = (rows: TraceRow[], cursor: string | null): TracePage => ({ data: rows, meta: { cursor } });
const loaded = { pages: [page([row("b", 2), row("a", 1)], null)], pageParams: [""] };
const ids = (pages: TracePage[]) => pages.flatMap((each) => each.data.map(({ id }) => id));

test("a new trace enters on top", () => {
  const { pages, arrived } = admit(loaded, page([row("c", 3), row("b", 2)], null), true);
  assert.deepEqual(ids(pages.pages), ["c", "b", "a"]);
  assert.deepEqual(
    arrived.map(({ id }) => id),
    ["c"],
  );
});

test("while a person reads, a new trace waits and known ones are brought up to date", () => {
  const changed = { ...row("b", 2), name: "renamed" };
  const { pages, arrived } = admit(loaded, page([row("c", 3), changed], null), false);
  assert.deepEqual(ids(pages.pages), ["b", "a"]);
  assert.equal(pages.pages[0]?.data[0]?.name, "renamed");
  assert.equal(arrived.length, 1);
});

test("a whole page of strangers begins the list again, so that no gap is hidden", () => {
  const { pages } = admit(loaded, page([row("z", 9), row("y", 8)], "more"), true);
  assert.deepEqual(ids(pages.pages), ["z", "y"]);
});

test("events are read however the stream is cut", async () => {
  const text = ': ping\n\nevent: token\ndata: {"text":"é"}\n\nevent: done\ndata: {"a":1}\n\n';
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  const found = [];
  for await (const event of events(body)) found.push(event);
  assert.deepEqual(found, [
    { event: "token", data: '{"text":"é"}' },
    { event: "done", data: '{"a":1}' },
  ]);
});
