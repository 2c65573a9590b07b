// What the compiler knows of tasks that go over a list. Compiled only, by wrong-code.test.ts and `npm run check:types`.
import { action, type Context, DotFlow, type StepContext, type TaskRef } from "dotflow";
import { expectTypeOf } from "expect-type";

interface File {
  path: string;
}
const workflow = new DotFlow({ workflowId: "types" });
const files = workflow.task.add(action(async (): Promise<File[]> => []));
const size = workflow.task.add(action(() => 3));
const untyped = workflow.task.add("./steps.js#list");
const read = action(async (previous: Context<File>, step: StepContext) => `${previous.storage.path} ${step.attempt}`);
const join = action((previous: Context<string[]>) => previous.storage.join());

// The list of what the items give is handed on.
expectTypeOf(workflow.task.map(read)).toEqualTypeOf<TaskRef<string[]>>();
expectTypeOf(workflow.task.map(read, { after: files }).add(join)).toEqualTypeOf<TaskRef<string>>();
workflow.task.add(join, { after: workflow.task.map(read, { after: files }) });
// @ts-expect-error: it gives a list of texts
workflow.task.map(read).add(read);

// What comes before has to be a list of what the step takes.
// @ts-expect-error: a number is no list
workflow.task.map(read, { after: size });
// @ts-expect-error: a list of texts is no list of files
workflow.task.map(read, { after: workflow.task.map(read, { after: files }) });
workflow.task.map(read, { after: untyped });
workflow.task.map(
  action((previous: Context<File | number>) => previous.storage),
  { after: files },
);

// Or `over` makes one of it.
workflow.task.map(read, { over: () => [{ path: "a" }] });
workflow.task.map(read, { after: size, over: ({ storage }) => Array.from({ length: storage }, () => ({ path: "a" })) });
workflow.task.map(read, { after: { size, files }, over: ({ storage }) => new Set(storage.files.slice(storage.size)) });
workflow.task.map(read, { over: async (previous: Context<File[]>) => previous.storage });
workflow.task.map(read, {
  async *over() {
    yield { path: "a" };
  },
});
// @ts-expect-error: a list of numbers
workflow.task.map(read, { over: () => [1] });
// @ts-expect-error: what comes before is a number
workflow.task.map(read, { after: size, over: (previous: Context<File[]>) => previous.storage });

// The key is made of the item.
workflow.task.map(read, { key: ({ path }, index) => path || index, concurrency: 4, groupName: "a", id: "files" });
// @ts-expect-error: a file has no id
workflow.task.map(read, { key: (file) => String(file.id) });
// @ts-expect-error: a key is a text or a number
workflow.task.map(read, { key: (file) => file });

// Texts know nothing; steps that look at nothing take anything.
expectTypeOf(workflow.task.map("./steps.js#read", { over: () => [1, 2] })).toEqualTypeOf<TaskRef<never[]>>();
expectTypeOf(workflow.task.map<number>("./steps.js#read")).toEqualTypeOf<TaskRef<number[]>>();
expectTypeOf(
  workflow.task.map(
    action(() => 1),
    { over: () => [1, "a"], key: (item) => String(item) },
  ),
).toEqualTypeOf<TaskRef<number[]>>();
// @ts-expect-error: no action
workflow.task.map(() => 1);
