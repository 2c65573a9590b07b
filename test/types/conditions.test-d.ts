// What the compiler knows of the previous context in `when`. Compiled only, by wrong-code.test.ts and `npm run check:types`.
import { action, type Context, DotFlow, type TaskRef } from "dotflow";
import { expectTypeOf } from "expect-type";

interface Rows {
  rows: number[];
}
const extract = action(async (): Promise<Rows> => ({ rows: [1, 2, 3] }));
const size = action((previous: Context<Rows>) => previous.storage.rows.length);
const double = action((previous: Context<number>) => previous.storage * 2);
const count = action(() => 3);
const workflow = new DotFlow({ workflowId: "types" });
const extracted = workflow.task.add(extract);

// It is what the step takes, behind a ref and with `after` alike.
const sized = extracted.add(size, {
  when: (previous) => {
    expectTypeOf(previous).toEqualTypeOf<Context<Rows>>();
    return previous.storage.rows.length > 0;
  },
});
expectTypeOf(sized).toEqualTypeOf<TaskRef<number>>();
workflow.task.add(size, { after: extracted, when: async ({ storage }) => storage.rows.length > 0 });
workflow.task.add(size, { when: ({ storage }) => storage.rows.length > 0 });

// A step that takes nothing is asked with what the task before gives.
expectTypeOf(extracted.add(count, { when: ({ storage }) => storage.rows.length > 0 })).toEqualTypeOf<TaskRef<number>>();
workflow.task.add(count, { after: extracted, when: ({ storage }) => storage.rows.length > 0 });
workflow.task.add(count, {
  after: [extracted, sized],
  when: ({ storage: [all, length] }) => all.rows.length === length,
});
workflow.task.add(count, {
  after: { all: extracted, length: sized },
  when: ({ storage }) => storage.all.rows.length === storage.length,
});

// Where only the run will tell, it is what the user says.
workflow.task.add(count, { when: (previous: Context<Rows>) => previous.storage.rows.length > 0 });
workflow.task.add("./steps.js#load", { when: (previous: Context<Rows>) => previous.storage.rows.length > 0 });
workflow.task.add(count, { when: () => true });

// Of several steps each is asked with what it takes.
extracted.add([size, double], {
  when: (previous) => {
    expectTypeOf(previous.storage).toEqualTypeOf<Rows | number>();
    return true;
  },
});

// A map is asked with what it goes over.
workflow.task.map(double, {
  after: extracted,
  over: ({ storage }) => storage.rows,
  when: ({ storage }) => storage.rows.length > 0,
});

// @ts-expect-error: it must give a boolean
extracted.add(size, { when: ({ storage }) => storage.rows.length });
// @ts-expect-error: it must give a boolean
extracted.add(size, { when: () => {} });
// @ts-expect-error: the step takes rows
extracted.add(size, { when: (previous: Context<number>) => previous.storage > 0 });
