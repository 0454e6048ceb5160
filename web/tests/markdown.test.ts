import assert from "node:assert/strict";
import { test } from "node:test";
import { blocks, spans } from "../src/parts/content/blocks.ts";
import { isMarkdown } from "../src/parts/content/messages.ts";

test("headings, lists, code and words are told apart", () => {
  const text =
    "# Rules\n\nBe **brief**.\nCite.\n- one\n  - two\n\n```python\n# not a heading\n```\n| a | b |";
  assert.deepEqual(
    blocks(text).map(({ kind }) => kind),
    ["heading", "text", "items", "code", "text"],
  );
  assert.deepEqual(blocks(text)[3], { kind: "code", language: "python", text: "# not a heading" });
});

test("what stands out in a line is found, and its signs are left out", () => {
  assert.deepEqual(spans("a `b*c*` and **d e**"), [
    { kind: "plain", text: "a " },
    { kind: "code", text: "b*c*" },
    { kind: "plain", text: " and " },
    { kind: "strong", text: "d e" },
  ]);
});

test("only an address of the web becomes a link, and an image stays text", () => {
  assert.deepEqual(spans("[x](https://example.org/a)"), [
    { kind: "link", text: "x", href: "https://example.org/a" },
  ]);
  for (const text of ["[x](javascript:alert(1))", "![x](https://example.org/a.png)", "<b>x</b>", "2 * 3 * 4"])
    assert.deepEqual(spans(text), [{ kind: "plain", text }]);
});

test("a code block that never ends is shown to its end", () => {
  assert.deepEqual(blocks("```\na\nb"), [{ kind: "code", language: "", text: "a\nb" }]);
});

test("plain texts, logs and code are no Markdown", () => {
  for (const text of ["what is red?", "x = 2 * 3 # six", "# comment\nx = 1", "- one", "a_b_c"])
    assert.equal(isMarkdown(text), false);
  for (const text of ["**yes**", "## Title\ntext", "- a\n- b", "```\nx\n```"])
    assert.equal(isMarkdown(text), true);
});
