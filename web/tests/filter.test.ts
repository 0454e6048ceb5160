import assert from "node:assert/strict";
import { test } from "node:test";
import { complete, parse } from "../src/parts/filter/text.ts";

const SEEN = { name: ["ask", "visitor question"], env: ["production"], user: [], session: [], tag: [] };

test("fields become filters and the rest is searched for", () => {
  assert.deepEqual(parse('name:"visitor question" env:production tag:a tag:b errors red three'), {
    filter: {
      name: "visitor question",
      environment: ["production"],
      tag: ["a", "b"],
      errors: true,
      search: "red three",
    },
  });
});

test("an unknown field is named together with those there are", () => {
  const parsed = parse("colour:red");
  assert.ok("problem" in parsed);
  assert.match(parsed.problem, /no field colour/);
  assert.match(parsed.problem, /session/);
});

test("a field with nothing right after its colon is reported with what to write", () => {
  for (const typed of ["name: chat turn", "red user:", 'Tag:""']) {
    const parsed = parse(typed);
    assert.ok("problem" in parsed, typed);
    assert.match(parsed.problem, /Write (name|user|tag):\S+ without a space/);
  }
  assert.deepEqual(parse("note: red"), { filter: { search: "note: red" } });
});

test("an address is text, not a field", () => {
  assert.deepEqual(parse("http://127.0.0.1:3000"), { filter: { search: "http://127.0.0.1:3000" } });
});

test("fields are completed, then the values seen for them, quoted where they must be", () => {
  assert.deepEqual(
    complete("se", SEEN).map((each) => each.insert),
    ["session:"],
  );
  assert.deepEqual(
    complete("errors name:vis", SEEN).map((each) => each.insert),
    ['errors name:"visitor question" '],
  );
});
