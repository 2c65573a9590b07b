// Where @action can't stand that only TC39 decorators can be written at; the rest is in test/decorators/refusals.test.ts.
import { expect, it } from "vitest";
import { action, InvalidWorkflowError } from "dotflow";

/** `action` as JavaScript sees it. */
const untyped = action as unknown as (...args: unknown[]) => never;

it("refuses a private method", () => {
  const declare = () => {
    class Etl {
      @untyped
      #extract(): number {
        return 1;
      }

      extract(): number {
        return this.#extract();
      }
    }
    return new Etl();
  };
  expect(declare).toThrow(InvalidWorkflowError);
  expect(declare).toThrow('@action stands before "#extract", which is not a public method of instances.');
});

it("refuses an accessor", () => {
  const declare = () => {
    class Etl {
      @untyped
      accessor size = 1;
    }
    return new Etl();
  };
  expect(declare).toThrow('@action stands before "size", which is not a public method of instances.');
});
