import assert from "node:assert/strict";
import { test } from "node:test";
import { query, sentence } from "../src/api/client.ts";
import { readTracesSearch } from "../src/parts/search.ts";

test("a sentence of the server begins with a capital, a name of something stays as it is", () => {
  assert.equal(sentence("email or password is wrong"), "Email or password is wrong");
  assert.equal(sentence("project 'x' does not exist"), "Project 'x' does not exist");
  assert.equal(sentence("expiresAt 1 is past"), "expiresAt 1 is past");
  assert.equal(sentence("GET /x: there is nothing"), "GET /x: there is nothing");
  assert.equal(sentence("sk-lf-1 is wrong"), "sk-lf-1 is wrong");
});

test("a query names what is set and repeats the name of a list", () => {
  assert.equal(query({ a: 1, b: null, c: false, d: ["x", "y z"] }), "?a=1&d=x&d=y+z");
  assert.equal(query({}), "");
});

test("a range that nobody knows is dropped from the address", () => {
  assert.equal(readTracesSearch({ range: "7d" }).range, "7d");
  assert.equal(readTracesSearch({ range: "all" }).range, "all");
  assert.equal(readTracesSearch({ range: "7w" }).range, undefined);
  assert.equal(readTracesSearch({ range: "constructor" }).range, undefined);
});
