// Where @action can't stand. The compiler refuses some of it too, but not the same in both dialects.
import { expect, it } from "vitest";
import { action, DotFlow, InvalidWorkflowError } from "dotflow";

/** `action` as JavaScript sees it. */
const untyped = action as unknown as (...args: unknown[]) => never;
const withOptions = action as unknown as (options: object) => typeof untyped;

const refusal = (name: string): string => `@action stands before "${name}", which is not a public method of instances.`;

class Plain {
  extract(): number {
    return 1;
  }
}

it("refuses a static method", () => {
  const declare = () => {
    class Etl extends Plain {
      @action
      static load(): number {
        return 1;
      }
    }
    return Etl;
  };
  expect(declare).toThrow(InvalidWorkflowError);
  expect(declare).toThrow(refusal("load"));
});

it("refuses a static method also with options", () => {
  expect(() => {
    class Etl extends Plain {
      @withOptions({ retry: 2 })
      static load(): number {
        return 1;
      }
    }
    return Etl;
  }).toThrow(refusal("load"));
});

it("refuses a getter", () => {
  expect(() => {
    class Etl extends Plain {
      @untyped
      get size(): number {
        return 1;
      }
    }
    return Etl;
  }).toThrow(refusal("size"));
});

it("refuses a field, also one that holds a function", () => {
  expect(() => {
    class Etl extends Plain {
      @untyped
      load = (): number => 1;
    }
    return Etl;
  }).toThrow(refusal("load"));
});

it("refuses a class", () => {
  const declare = () => {
    @untyped
    class Etl extends Plain {}
    return Etl;
  };
  expect(declare).toThrow(refusal("Etl"));
  expect(() => untyped(Plain)).toThrow(refusal("Plain"));
});

it("refuses an option that does not exist, when the class is declared", () => {
  expect(() => {
    class Etl extends Plain {
      @withOptions({ retries: 3 })
      override extract(): number {
        return 1;
      }
    }
    return Etl;
  }).toThrow('action has no option "retries"');
});

it("refuses an instance without a decorated method", () => {
  const workflow = new DotFlow({ workflowId: "plain" });
  expect(() => workflow.task.add(new Plain())).toThrow(
    "The instance of Plain has no method with @action, so there is nothing to add.",
  );
});
