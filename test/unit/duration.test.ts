// How durations are read.
import { expect, it } from "vitest";
import { InvalidWorkflowError } from "dotflow";
import { toMilliseconds } from "../../src/duration.ts";

it.each([
  [0, 0],
  [1.5, 1.5],
  ["250ms", 250],
  ["2s", 2_000],
  ["5m", 300_000],
  ["1.5h", 5_400_000],
  ["1 day", 86_400_000],
  ["30 Seconds", 30_000],
  ["42", 42],
])("reads %j as %d ms", (duration, milliseconds) => {
  expect(toMilliseconds(duration, "The option timeout")).toBe(milliseconds);
});

it.each([
  -1,
  "-5m",
  Number.NaN,
  Infinity,
  "",
  " ",
  "soon",
  "5 parsecs",
  "1s".repeat(100),
  null,
  {},
  true,
  5n,
  undefined,
])("refuses %s, naming the option and the value", (duration) => {
  const read = () => toMilliseconds(duration as number, "The option timeout");
  expect(read).toThrow(InvalidWorkflowError);
  expect(read).toThrow(/^The option timeout is .+, which is not a duration\. Give milliseconds/);
});

it("shows what was given, also where JSON could not", () => {
  expect(() => toMilliseconds(Number.NaN, "retryDelay")).toThrow("retryDelay is NaN");
  expect(() => toMilliseconds("soon", "retryDelay")).toThrow('retryDelay is "soon"');
});
