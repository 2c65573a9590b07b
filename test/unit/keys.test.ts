// Keys: no name leaves its place or collides with another one, also where case is not heeded.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { decodePart, encodePart, generationOf, Keys } from "../../src/journal/keys.ts";

const awkward = [
  ...["", ".", "..", "...", "a.", ".a", "a..b", "/", "x/y", "x_y", "x=y", "=", "==", "=x", "X", "x", "=058", ":", "\\"],
  ...["con", "CON", "con.txt", "com1", "com1.a", "lpt9", "aux.", "nul", "Prn", "console", "xcon"],
  ...[
    "ä",
    "a\u0308",
    "Ä",
    "ﬁ",
    "I",
    "i",
    "ı",
    "İ",
    "ß",
    "ẞ",
    "\u0000",
    "\n",
    " ",
    "a ",
    " a",
    "~",
    "%2f",
    "💥",
    "日本語",
  ],
  ...["x".repeat(119), "x".repeat(120), "x".repeat(121), "X".repeat(60), "X".repeat(61), "💥".repeat(3_000)],
  ...[`${"x".repeat(200)}1`, `${"x".repeat(200)}2`, `${"x".repeat(200)}X`, `${"x".repeat(78)}==${"0".repeat(40)}`],
];

const name = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom("a", "A", "=", ".", "0", "4", "7", "/", "ä") }),
  fc.string({ unit: "grapheme", minLength: 80, maxLength: 300 }),
  fc.constantFrom(...awkward),
);

it("encodes every name into one part of a key, as the storage contract has it", () => {
  fc.assert(
    fc.property(name, (part) => {
      const encoded = encodePart(part);
      expect(encoded).toMatch(/^[a-z0-9_=-]([a-z0-9._=-]*[a-z0-9_=-])?$/);
      expect(encoded.length).toBeLessThanOrEqual(120);
      expect(encoded).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/);
    }),
  );
});

it("gives different names different keys, also on a file system that ignores case or normalizes", () => {
  const folded = (part: string): string => encodePart(part).normalize("NFKC").toLowerCase();
  expect(new Set(awkward.map(folded)).size).toBe(new Set(awkward).size);
  fc.assert(
    fc.property(name, name, (one, other) => {
      fc.pre(one !== other);
      expect(folded(one)).not.toBe(folded(other));
    }),
  );
});

it("decodes what it encoded, unless that was shortened", () => {
  fc.assert(
    fc.property(name, (part) => {
      const encoded = encodePart(part);
      expect(decodePart(encoded)).toBe(encoded.includes("==") ? undefined : part);
    }),
  );
  expect(decodePart(encodePart("x".repeat(120)))).toBe("x".repeat(120));
  expect(decodePart(encodePart("x".repeat(121)))).toBeUndefined();
});

it("leaves ordinary names readable", () => {
  expect(["my-etl", "extract", "etl.extract", "step_2"].map(encodePart)).toEqual([
    "my-etl",
    "extract",
    "etl.extract",
    "step_2",
  ]);
  expect(encodePart("Etl.extract#2")).toBe("=etl.extract=0352");
});

it("keeps neighbours apart: no workflow lies in the folder of another", () => {
  const [job, neighbour] = [new Keys("job"), new Keys("job-b")];
  expect(neighbour.workflow.startsWith(job.workflow)).toBe(false);
  expect(job.step("run", "a/b")).toBe("job/runs/run/steps/a=047b");
  expect(new Keys("job/runs/run").workflow.startsWith(job.workflow)).toBe(false);
});

it("sorts generations by their numbers, and takes no other key for one", () => {
  const keys = new Keys("job");
  const sorted = [1, 9, 10, 99_999_999].map((generation) => keys.lease(generation));
  expect([...sorted].sort()).toEqual(sorted);
  expect(sorted.map(generationOf)).toEqual([1, 9, 10, 99_999_999]);
  expect(generationOf(keys.lease(123_456_789))).toBe(123_456_789);
  expect(["job/leases/backup", "job/leases/1", "job/leases/00000001.tmp"].map(generationOf)).toEqual([0, 0, 0]);
});
