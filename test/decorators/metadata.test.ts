// @action beside reflect-metadata, with `emitDecoratorMetadata` in the legacy dialect: neither disturbs the other.
import "reflect-metadata";
import { expect, it } from "vitest";
import { action, Context, DotFlow, StepContext } from "dotflow";

const key = "test:note";

/** A decorator of the user's own, in both dialects, that puts a note on the method. */
function noted(target: object, context: string | symbol | ClassMethodDecoratorContext): void {
  if (typeof context === "object") Reflect.defineMetadata(key, "noted", target);
  else Reflect.defineMetadata(key, "noted", (target as Record<string | symbol, object>)[context] ?? {});
}

class Etl {
  @action
  extract(previous: Context<null>, step: StepContext): string {
    return `${previous.storage} ${step.taskId}`;
  }

  @action({ retry: 2 })
  @noted
  load(previous: Context<string>): string {
    return `${previous.storage} loaded`;
  }
}

it("runs methods whose parameters have design metadata", async () => {
  const workflow = new DotFlow({ workflowId: "metadata" });
  workflow.task.add(new Etl());
  expect(await (await workflow.start()).output()).toBe("null Etl.extract loaded");
});

it("leaves the design metadata of the classes that dotflow exports in place", () => {
  const types: unknown = Reflect.getMetadata("design:paramtypes", Etl.prototype, "extract");
  expect(types).toEqual(process.env.DIALECT === "legacy" ? [Context, StepContext] : undefined);
});
