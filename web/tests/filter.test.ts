import assert from "node:assert/strict";
import { test } from "node:test";
import { GRAMMAR, TRACE_FIELDS } from "../src/api/fields.ts";
import type { Condition } from "../src/api/queries.ts";
import { columnOf, WORDS } from "../src/parts/filter/compile.ts";
import { labelOf } from "../src/parts/filter/names.ts";
import { complete, merge, parse } from "../src/parts/filter/text.ts";
import { readTracesSearch } from "../src/parts/search.ts";

const SEEN = { name: ["ask", "visitor question"], environment: ["production"], scores: ["good", "my score"] };

function conditions(typed: string): Condition[] {
  const parsed = parse(typed);
  assert.ok("filter" in parsed, typed);
  return parsed.filter.filter ?? [];
}

function problem(typed: string): string {
  const parsed = parse(typed);
  assert.ok("problem" in parsed, typed);
  return parsed.problem;
}

const one = (typed: string) => {
  const [{ type, column, key, operator, value } = assert.fail(typed), ...others] = conditions(typed);
  assert.deepEqual(others, []);
  return [type, key ? `${column}.${key}` : column, operator, value];
};

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

test("numbers are compared, durations in seconds whatever their unit", () => {
  assert.deepEqual(one("latency>1000ms"), ["number", "latency", ">", 1]);
  assert.deepEqual(one("latency>1s"), one("latency>1"));
  assert.deepEqual(one("latency <= 1.5m"), ["number", "latency", "<=", 90]);
  assert.deepEqual(one("cost>$0.01"), ["number", "totalCost", ">", 0.01]);
  assert.deepEqual(one("tokens:>=1.2k"), ["number", "tokens", ">=", 1200]);
  assert.deepEqual(one("errorcount=0"), ["number", "errorCount", "=", 0]);
  assert.deepEqual(one("timestamp<2026-12-01"), ["datetime", "timestamp", "<", "2026-12-01"]);
});

test("a minus or != turns a term around", () => {
  assert.deepEqual(one("-name:x"), ["stringOptions", "name", "none of", ["x"]]);
  assert.deepEqual(one("name!=x"), one("-name:x"));
  assert.deepEqual(parse("-name!=x"), { filter: { name: "x" } });
  assert.deepEqual(one("-tag:beta"), ["arrayOptions", "tags", "none of", ["beta"]]);
  assert.deepEqual(one("-latency>1s"), ["number", "latency", "<=", 1]);
  assert.deepEqual(one("-public:true"), ["boolean", "public", "<>", true]);
  assert.deepEqual(one("-errors"), ["number", "errorCount", "=", 0]);
  assert.deepEqual(parse("-40 -x"), { filter: { search: "-40 -x" } });
});

test("models, levels, scores and metadata are asked by name", () => {
  assert.deepEqual(one("model:gpt-5-mini"), ["arrayOptions", "models", "any of", ["gpt-5-mini"]]);
  assert.deepEqual(one("level:ERROR"), ["string", "level", "=", "ERROR"]);
  assert.deepEqual(one("score.good>0.5"), ["numberObject", "scores.good", ">", 0.5]);
  assert.deepEqual(one('score."my score":-1'), ["numberObject", "scores.my score", "=", -1]);
  assert.deepEqual(one("score.verdict:right"), ["categoryOptions", "scores.verdict", "any of", ["right"]]);
  assert.deepEqual(one("score.seen!=true"), ["booleanObject", "scores.seen", "<>", true]);
  assert.deepEqual(one("score>0.5"), ["number", "scores", ">", 0.5]);
  assert.deepEqual(one("metadata.team:lab"), ["stringObject", "metadata.team", "=", "lab"]);
  assert.deepEqual(one("metadata.scope.name!=a"), [
    "categoryOptions",
    "metadata.scope.name",
    "none of",
    ["a"],
  ]);
  assert.deepEqual(one("metadata.tries>=3"), ["numberObject", "metadata.tries", ">=", 3]);
});

test("every field of the table compiles to a condition of the grammar", () => {
  const grammar: Record<string, { fits: readonly string[]; operators: readonly string[] }> = GRAMMAR;
  const values = ["1", "abc", "true", "2026-12-01"];
  for (const word of WORDS) {
    const column = columnOf(word) ?? assert.fail(word);
    const made = ["", ".key"].flatMap((key) =>
      ["=", "!=", ">", "<="].flatMap((sign) =>
        values.flatMap((value) => {
          const parsed = parse(`${word}${key}${sign}${value}`);
          return "filter" in parsed ? [parsed.filter] : [];
        }),
      ),
    );
    assert.ok(made.length, word);
    for (const { type, operator } of made.flatMap((filter) => filter.filter ?? [])) {
      assert.ok(grammar[type]?.fits.includes(TRACE_FIELDS[column].kind), `${word}: ${type}`);
      assert.ok(grammar[type]?.operators.includes(operator), `${word}: ${type} ${operator}`);
    }
  }
});

test("an unknown word before a sign is no text, and the fields are named", () => {
  for (const typed of [
    "latncy>1000",
    "latncy > 1000",
    "colour!=red",
    "colour=red",
    "user-id:x",
    "-colour:red",
  ])
    assert.match(problem(typed), /no field .*latency.*metadata/, typed);
  assert.deepEqual(parse('"a > b" c->d 2>1 => <b>'), { filter: { search: "a > b c->d 2>1 => <b>" } });
});

test("a value that does not fit is told what would", () => {
  assert.match(problem("latency>fast"), /no number. Write latency>1s. Units: us, ms, s, m, h/);
  assert.match(problem("cost>1s"), /Write cost>0.01/);
  assert.match(problem("latency>"), /Nothing stands right after “latency>”. Write latency>1s/);
  assert.match(problem("tokens!=5"), /write tokens> or tokens</);
  assert.match(problem("name>x"), /write name:caption or name!=caption/);
  assert.match(problem("metadata:lab"), /write metadata.team:lab/);
  assert.match(problem("score:right"), /write score.good:right/);
  assert.match(problem("name.x:y"), /name has no parts/);
  assert.match(problem("public:perhaps"), /true or false/);
  assert.match(problem("timestamp>yesterday"), /no time/);
});

test("a quote that is not closed is reported", () => {
  for (const typed of [
    'name:"store-audit',
    '"red',
    'red "blue green',
    '-name:"a',
    'score."my sc',
    'name != "a',
  ])
    assert.match(problem(typed), /quote is not closed/, typed);
  assert.deepEqual(parse('a 24" screen'), { filter: { search: 'a 24" screen' } });
});

test("conditions are added once and read back from the address as they were", () => {
  const [slow, wide] = [conditions("latency>1s"), conditions("tokens>5")];
  const both = merge({ name: "ask", filter: slow }, { filter: [...slow, ...wide], tag: ["a"] });
  assert.deepEqual(both, { name: "ask", filter: [...slow, ...wide], tag: ["a"] });
  const read = readTracesSearch({ filter: JSON.parse(JSON.stringify(both.filter)) });
  assert.deepEqual(read.filter, JSON.parse(JSON.stringify(both.filter)));
  assert.equal(readTracesSearch({ filter: "latency>1" }).filter, undefined);
});

test("a condition is labelled with its unit", () => {
  const label = (typed: string) => conditions(typed).map(labelOf);
  assert.deepEqual(label("latency>1000ms cost<=0.5 -env:staging score.good>0.5 model:a"), [
    "latency > 1 s",
    "cost ≤ $0.5",
    "env ≠ staging",
    "score.good > 0.5",
    "model: a",
  ]);
});

test("fields are completed with the sign that fits them, levels and names of scores with what there is", () => {
  const inserts = (typed: string) => complete(typed, SEEN).map((each) => each.insert);
  assert.deepEqual(inserts("lat"), ["latency>"]);
  assert.deepEqual(inserts("ask -env"), ["ask -env:"]);
  assert.deepEqual(inserts("level:err"), ["level:ERROR "]);
  assert.deepEqual(inserts("env!=pro"), ["env!=production "]);
  assert.deepEqual(inserts("score."), ["score.good>", 'score."my score">']);
  assert.deepEqual(inserts("meta"), ["metadata."]);
  assert.ok(inserts("").includes("latency>"));
});
