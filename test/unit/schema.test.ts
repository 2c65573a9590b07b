// Schemas before and after a step, with zod and with valibot.
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { action, Context, DotFlow, ValidationError } from "dotflow";
import type { Schema } from "../../src/schema.ts";
import { attempt, messagesOf, valueOf } from "./attempting.ts";

interface Library {
  readonly number: Schema;
  /** A list of at least one object with a number `id`. */
  readonly rows: Schema;
  /** A text that is handed on as a number. */
  readonly parsed: Schema;
  readonly asynchronous: Schema;
  readonly withDefault: Schema;
}

const row = { zod: z.object({ id: z.number() }), valibot: v.object({ id: v.number() }) };
const isShort = async (text: string): Promise<boolean> => text.length < 3;

const libraries: Record<string, Library> = {
  zod: {
    number: z.number(),
    rows: z.array(row.zod).min(1),
    parsed: z.string().transform(Number),
    asynchronous: z.string().refine(isShort, "too long"),
    withDefault: z.object({ size: z.number().default(7) }),
  },
  valibot: {
    number: v.number(),
    rows: v.pipe(v.array(row.valibot), v.minLength(1)),
    parsed: v.pipe(v.string(), v.transform(Number)),
    asynchronous: v.pipeAsync(v.string(), v.checkAsync(isShort, "too long")),
    withDefault: v.object({ size: v.optional(v.number(), 7) }),
  },
};

describe.each(Object.entries(libraries))("with %s", (_, { number, rows, parsed, asynchronous, withDefault }) => {
  it("a step gets its input as the schema gives it", async () => {
    const { outcome } = attempt({ input: parsed }, (previous) => previous.storage, { previous: () => "42" });
    expect(valueOf(await outcome)).toBe(42);
    const filled = attempt({ input: withDefault }, (previous) => previous.storage, { previous: () => ({}) });
    expect(valueOf(await filled.outcome)).toEqual({ size: 7 });
  });

  it("an input that does not fit fails the task at once, without a call", async () => {
    const calls: unknown[] = [];
    const previous = () => [{ id: 1 }, { id: "secret" }];
    const { outcome } = attempt({ input: rows, retry: 3 }, (given) => calls.push(given), { previous });
    const { errors, ...ended } = await outcome;
    expect([ended, calls]).toEqual([{ status: "failed", attempts: 1 }, []]);
    expect(errors[0]).toBeInstanceOf(ValidationError);
    expect(errors[0]).toMatchObject({ code: "VALIDATION", taskId: "t", runId: "r", issues: [{ path: "1.id" }] });
    expect(errors[0]?.message).toMatch(/^The input of "t" does not fit its schema: 1\.id: Invalid/);
  });

  it("the first task's null is an input like any other", async () => {
    const { outcome } = attempt({ input: number }, () => 1, { previous: () => null });
    expect(messagesOf(await outcome)[0]).toMatch(/^The input of "t" does not fit its schema: Invalid/);
  });

  it("an output is handed on as the schema gives it", async () => {
    const { outcome } = attempt({ output: parsed }, () => "42");
    expect(valueOf(await outcome)).toBe(42);
  });

  it("an output that does not fit is retried like any error", async () => {
    const { clock, outcome } = attempt({ output: asynchronous, retry: 2 }, (_previous, step) =>
      step.attempt === 1 ? "long" : "ok",
    );
    await clock.advance("1s");
    const ended = await outcome;
    expect([valueOf(ended), messagesOf(ended)]).toEqual([
      "ok",
      ['The output of "t" does not fit its schema: too long'],
    ]);
  });

  it("an action called as a function is not checked: it stays the function that it wraps", () => {
    const step = action({ input: number, output: number }, (previous: Context) => previous.storage);
    expect(step(new Context("no number"))).toBe("no number");
  });

  it("the next step gets what the output schema made of it, live and resumed", async () => {
    const workflow = new DotFlow({ workflowId: "schemas" });
    workflow.task.add(action({ name: "give", output: parsed }, () => "42"));
    workflow.task.add(action({ name: "take", input: number }, (previous: Context) => previous.storage));
    expect(await (await workflow.start()).output()).toBe(42);
    const resumed = await workflow.start({ resume: true, from: "take" });
    expect([resumed.restored, await resumed.output()]).toEqual([1, 42]);
  });
});

it("lists five issues at most, and hands all of them over", async () => {
  const { outcome } = attempt({ input: z.array(z.number()) }, () => 1, { previous: () => "abcdefg".split("") });
  const { errors } = await outcome;
  expect(errors[0]?.message.split("; ")).toHaveLength(5);
  expect((errors[0] as ValidationError).issues).toHaveLength(7);
});

it("fails the task where the schema itself fails", async () => {
  const broken = { "~standard": { version: 1, vendor: "own", validate: () => expect.fail("broken schema") } } as const;
  expect(messagesOf(await attempt({ input: broken }, () => 1).outcome)).toEqual(["broken schema"]);
  expect(messagesOf(await attempt({ output: broken }, () => 1).outcome)).toEqual(["broken schema"]);
});
