// What the compiler knows of tasks that follow one another. Compiled only, by wrong-code.test.ts and `npm run check:types`.
import { type Action, action, type Context, DotFlow, type StepContext, type TaskRef } from "dotflow";
import { expectTypeOf } from "expect-type";

interface Rows {
  rows: number[];
}
const extract = action(async function extract(): Promise<Rows> {
  return { rows: [1, 2, 3] };
});
const transform = action({ retry: 3, timeout: "30s" }, async function transform(previous: Context<Rows>) {
  return previous.storage.rows.map((row) => row * 10);
});
const load = action(async function load(previous: Context<number[]>, step: StepContext) {
  return `${previous.storage.length} ${step.idempotencyKey}`;
});
const workflow = new DotFlow({ workflowId: "types" });

// The chain, end to end.
const extracted = workflow.task.add(extract);
const transformed = extracted.add(transform);
expectTypeOf(extracted).toEqualTypeOf<TaskRef<Rows>>();
expectTypeOf(transformed).toEqualTypeOf<TaskRef<number[]>>();
expectTypeOf(workflow.task.add(extract).add(transform).add(load)).toEqualTypeOf<TaskRef<string>>();
expectTypeOf(workflow.task.add([extract, transform])).toEqualTypeOf<TaskRef<number[]>>();
expectTypeOf(extracted.add([transform, load], { groupName: "a" })).toEqualTypeOf<TaskRef<string>>();

// An action is still the function that it wraps.
expectTypeOf(extract).parameters.toEqualTypeOf<[]>();
expectTypeOf(transform).parameters.toEqualTypeOf<[previous: Context<Rows>]>();
expectTypeOf(transform).returns.toEqualTypeOf<Promise<number[]>>();

// Synchronous, without parameters, with an optional previous value, inline, generic.
const count = action(() => 3);
const optional = action((previous?: Context<number>) => previous?.storage ?? 0);
expectTypeOf(extracted.add(count)).toEqualTypeOf<TaskRef<number>>();
expectTypeOf(workflow.task.add(optional).add(optional)).toEqualTypeOf<TaskRef<number>>();
// @ts-expect-error: the optional previous value is a number where it is there
extracted.add(optional);
expectTypeOf(extracted.add(action(({ storage }: Context<Rows>) => storage.rows))).toEqualTypeOf<TaskRef<number[]>>();
extracted.add(action(<T>(previous: Context<T>) => previous.storage));

// A step that leaves its parameters untyped takes anything, and knows nothing of it.
const attempt = action({ name: "attempt" }, (previous, step) => {
  expectTypeOf(previous.storage).toEqualTypeOf<unknown>();
  expectTypeOf(step.initial.storage).toEqualTypeOf<unknown>();
  return step.attempt;
});
expectTypeOf(extracted.add(attempt)).toEqualTypeOf<TaskRef<number>>();
const typedInitial = action((_previous, step: StepContext<{ date: string }>) => step.initial.storage.date);
expectTypeOf(extracted.add(typedInitial)).toEqualTypeOf<TaskRef<string>>();

// What gives more fits what takes less, and not the other way around.
interface Animal {
  name: string;
}
interface Dog extends Animal {
  barks: boolean;
}
const dog = workflow.task.add(action((): Dog => ({ name: "Rex", barks: true })));
const animal: TaskRef<Animal> = dog;
dog.add(action((previous: Context<Animal>) => previous.storage.name));
dog.add(action((previous: Context<Animal | null>) => previous.storage?.name));
// @ts-expect-error: not every animal barks
animal.add(action((previous: Context<Dog>) => previous.storage.barks));
// @ts-expect-error: the same, without a step
expectTypeOf(animal).toExtend<TaskRef<Dog>>();
const either = workflow.task.add(action(() => (Math.random() < 0.5 ? 1 : "one")));
// @ts-expect-error: it may give a text
either.add(optional);

// Only the run will tell what texts and instances give: it fits any step, or is what the user says.
class Etl {
  @action
  extract(): Rows {
    return { rows: [] };
  }
}
expectTypeOf(workflow.task.add("./steps.js#extract")).toEqualTypeOf<TaskRef<never>>();
expectTypeOf(workflow.task.add(new Etl())).toEqualTypeOf<TaskRef<never>>();
expectTypeOf(extracted.add(new Etl())).toEqualTypeOf<TaskRef<never>>();
workflow.task.add("./steps.js#extract").add(load).add(new Etl()).add(transform);
expectTypeOf(workflow.task.add<Rows>("./steps.js#extract").add(transform)).toEqualTypeOf<TaskRef<number[]>>();
// @ts-expect-error: the text was said to give rows
workflow.task.add<Rows>("./steps.js#extract").add(load);

// Refs and actions of any kind in one list or variable.
const refs: TaskRef[] = [extracted, dog];
let last: TaskRef = extracted;
last = dog.add(count);
const steps: Action[] = [extract, transform, load];
workflow.task.add(steps);
last.add(steps);
expectTypeOf(refs).items.toEqualTypeOf<TaskRef>();
