// The decorator tests run once for each dialect; this one sees to it that they really do.
import "reflect-metadata";
import { expect, it } from "vitest";

const seen: unknown[] = [];

function probe(_first: unknown, second: unknown): void {
  seen.push(second);
}

class Probed {
  @probe
  extract(count: number): string {
    return `${count} rows`;
  }
}

it("is compiled to the decorator dialect that the project is named after", () => {
  const dialect = typeof seen[0] === "object" ? "tc39" : "legacy";
  expect(dialect).toBe(process.env.DIALECT);
  expect(new Probed().extract(3)).toBe("3 rows");
});

it("has design metadata in the legacy dialect only, as users of reflect-metadata have it", () => {
  const types: unknown = Reflect.getMetadata("design:paramtypes", Probed.prototype, "extract");
  expect(types).toEqual(process.env.DIALECT === "legacy" ? [Number] : undefined);
});
