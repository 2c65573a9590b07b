// One home for each piece of knowledge: time, decorator dialects, default numbers and storage keys.
import { expect, it } from "vitest";
import { type Source, sourcesOf } from "./sources.ts";

const core = sourcesOf("src");

it("reads the clock in src/clock.ts only", () => {
  expect(outside("src/clock.ts").flatMap(clockReads)).toEqual([]);
});

it("looks at decorator dialects in src/decorators.ts only", () => {
  const looks = /"kind" in |\bcontext\.kind\b/;
  expect(
    outside("src/decorators.ts")
      .filter(({ text }) => looks.test(text))
      .map(({ path }) => path),
  ).toEqual([]);
});

it("holds default numbers in src/defaults.ts only", () => {
  expect(outside("src/defaults.ts").flatMap(defaultNumbers)).toEqual([]);
});

it("builds storage keys under src/journal/ only", () => {
  const strangers = sourcesOf("src", "providers", "testing", "cli").filter(
    ({ path }) => !path.startsWith("src/journal/"),
  );
  const builders = strangers.filter(({ imports }) => imports.some(({ file }) => file === "src/journal/keys.ts"));
  expect(builders.map(({ path }) => path)).toEqual([]);
});

function outside(home: string): Source[] {
  expect(core.map(({ path }) => path)).toContain(home);
  return core.filter(({ path }) => path !== home);
}

function clockReads({ visit, at }: Source): string[] {
  const reads: string[] = [];
  visit({
    Identifier(node) {
      if (/^(setTimeout|setInterval|performance|hrtime)$/.test(node.name)) reads.push(`${at(node)} ${node.name}`);
    },
    MemberExpression(node) {
      const { object, property } = node;
      const name = object.type === "Identifier" && property.type === "Identifier" && `${object.name}.${property.name}`;
      if (name === "Date.now" || name === "AbortSignal.timeout") reads.push(`${at(node)} ${name}`);
    },
    NewExpression(node) {
      const isDate = node.callee.type === "Identifier" && node.callee.name === "Date";
      if (isDate && node.arguments.length === 0) reads.push(`${at(node)} new Date()`);
    },
  });
  return reads;
}

/** Numbers but 0 and 1 that stand in for a missing value: `(limit = 30)`, `limit ?? 30`. */
function defaultNumbers({ visit, at }: Source): string[] {
  const found: string[] = [];
  const check = (node: { start: number; type: string; value?: unknown }): void => {
    const counts = node.type === "Literal" && typeof node.value === "number" && node.value > 1;
    if (counts) found.push(`${at(node)} ${String(node.value)}`);
  };
  visit({
    AssignmentPattern: (node) => check(node.right),
    LogicalExpression: (node) => check(node.right),
  });
  return found;
}
