// What the compiler knows of tasks that come after several. Compiled only, by wrong-code.test.ts and `npm run check:types`.
import { action, type Context, DotFlow, type TaskRef } from "dotflow";
import { expectTypeOf } from "expect-type";

const workflow = new DotFlow({ workflowId: "types" });
const size = workflow.task.add(action(async () => 3));
const name = workflow.task.add(action(() => "rows"));
const untyped = workflow.task.add("./steps.js#extract");

const takesSize = action((previous: Context<number>) => previous.storage);
const takesTuple = action(({ storage: [count, title] }: Context<[number, string]>) => title.repeat(count));
const takesObject = action(({ storage }: Context<{ count: number; title: string }>) => storage.count);

// One ref, a tuple, an object.
expectTypeOf(workflow.task.add(takesSize, { after: size })).toEqualTypeOf<TaskRef<number>>();
expectTypeOf(workflow.task.add(takesTuple, { after: [size, name] })).toEqualTypeOf<TaskRef<string>>();
expectTypeOf(workflow.task.add(takesObject, { after: { title: name, count: size } })).toEqualTypeOf<TaskRef<number>>();
workflow.task.add(takesTuple, { after: [size, name] as const, id: "tuple", groupName: "a" });
workflow.task.add(takesObject, { after: { count: size, title: name, more: name } });

// A list of refs whose number only the run knows.
const sizes: TaskRef<number>[] = [size, size];
const sum = action((previous: Context<readonly number[]>) => previous.storage.reduce((all, one) => all + one, 0));
expectTypeOf(workflow.task.add(sum, { after: sizes })).toEqualTypeOf<TaskRef<number>>();
workflow.task.add(sum, { after: [size, size, size] });
// @ts-expect-error: a list may be longer or shorter than the tuple
workflow.task.add(takesTuple, { after: sizes });
// @ts-expect-error: one of them is a text
workflow.task.add(sum, { after: [size, name] });

// An untyped ref fits any place, and spoils no other.
workflow.task.add(takesSize, { after: untyped });
workflow.task.add(takesTuple, { after: [size, untyped] });
workflow.task.add(takesObject, { after: { count: untyped, title: name } });
// @ts-expect-error: the second is still a number
workflow.task.add(takesTuple, { after: [untyped, size] });

// Several steps after the same ones each take what these give.
workflow.task.add([takesTuple, takesTuple], { after: [size, name] });
// @ts-expect-error: the second takes an object
workflow.task.add([takesTuple, takesObject], { after: [size, name] });

// Without after, what comes before is not known here.
workflow.task.add(takesTuple);
workflow.task.add(takesTuple, { id: "alone" });
