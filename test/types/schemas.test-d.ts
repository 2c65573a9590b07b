// What the compiler infers from schemas. Compiled only, by wrong-code.test.ts and `npm run check:types`.
import { action, type Context, DotFlow, type TaskRef } from "dotflow";
import { expectTypeOf } from "expect-type";
import * as v from "valibot";
import * as z from "zod";

const workflow = new DotFlow({ workflowId: "types" });
const extracted = workflow.task.add(action(async () => ({ rows: [1, 2, 3] })));
const text = workflow.task.add(action(() => "5"));

// The previous value is inferred from the schema, with zod and with valibot.
const count = action({ input: z.object({ rows: z.array(z.number()) }) }, async (previous) => {
  expectTypeOf(previous).toEqualTypeOf<Context<{ rows: number[] }>>();
  return previous.storage.rows.length;
});
const first = action({ input: v.object({ rows: v.array(v.number()) }) }, (previous, step) => {
  expectTypeOf(previous).toEqualTypeOf<Context<{ rows: number[] }>>();
  return previous.storage.rows[step.attempt];
});
expectTypeOf(extracted.add(count)).toEqualTypeOf<TaskRef<number>>();
expectTypeOf(extracted.add(first)).toEqualTypeOf<TaskRef<number | undefined>>();
// @ts-expect-error: a text is no object with rows
text.add(count);

// A schema that transforms takes one type and hands the step another; the next step gets what the output schema makes.
const convert = action({ input: z.string().transform(Number), output: z.number().transform(String) }, (previous) => {
  expectTypeOf(previous.storage).toEqualTypeOf<number>();
  return previous.storage + 1;
});
expectTypeOf(text.add(convert)).toEqualTypeOf<TaskRef<string>>();
// @ts-expect-error: the schema takes texts, though the step takes numbers
workflow.task.add(action(() => 5)).add(convert);
const trimmed = action({ output: v.pipe(v.string(), v.trim(), v.length(1)) }, () => " x ");
expectTypeOf(workflow.task.add(trimmed)).toEqualTypeOf<TaskRef<string>>();

// What a default fills in need not be given.
const withDefault = action({ input: z.object({ size: z.number().default(1) }) }, (previous) => previous.storage.size);
expectTypeOf(workflow.task.add(action(() => ({}))).add(withDefault)).toEqualTypeOf<TaskRef<number>>();

// A step that says what it takes has to agree with its schema.
action({ input: z.string() }, (previous: Context<string | number>) => previous.storage);
// @ts-expect-error: the schema gives texts
action({ input: z.string() }, (previous: Context<number>) => previous.storage);

// A schema is there for what the compiler does not know.
action({ output: z.string() }, (): unknown => JSON.parse("1"));
