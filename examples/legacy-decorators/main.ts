// The same `@action` with TypeScript's older decorators and the metadata of `reflect-metadata`, as NestJS or TypeORM need them.
// In this repository after `npm run build`: npx tsc -p examples/legacy-decorators && node examples/legacy-decorators/dist/main.js
//
// Prints:
//   Etl.extract completed, Etl.transform completed: 10, 20, 30
//   design:paramtypes of transform: Context
import "reflect-metadata";
import { action, Context, DotFlow } from "dotflow";

class Etl {
  readonly factor = 10;

  @action
  async extract(): Promise<number[]> {
    return [1, 2, 3];
  }

  @action({ retry: 3, retryDelay: "1s" })
  async transform(previous: Context<number[]>): Promise<string> {
    return previous.storage.map((row) => row * this.factor).join(", ");
  }
}

const workflow = new DotFlow({ workflowId: "legacy-decorators" });
workflow.task.add(new Etl());

const result = await workflow.start();
console.log(`${result.tasks.map(({ id, status }) => `${id} ${status}`).join(", ")}:`, await result.output());

// What other libraries read is still there.
const types = Reflect.getMetadata("design:paramtypes", Etl.prototype, "transform") as (typeof Context)[];
console.log(`design:paramtypes of transform: ${types.map(({ name }) => name).join(", ")}`);
