// What `start` gives, by its mode. Compiled only, by wrong-code.test.ts and `npm run check:types`.
import { DotFlow, type RunHandle, type RunResult, type StartOptions } from "dotflow";
import { expectTypeOf } from "expect-type";

const workflow = new DotFlow({ workflowId: "types" });
declare const options: StartOptions;

expectTypeOf(workflow.start()).toEqualTypeOf<Promise<RunResult>>();
expectTypeOf(workflow.start({ resume: true, lock: "wait" })).toEqualTypeOf<Promise<RunResult>>();
expectTypeOf(workflow.start({ mode: "parallel" })).toEqualTypeOf<Promise<RunResult>>();
expectTypeOf(workflow.start({ mode: "background" })).toEqualTypeOf<Promise<RunHandle>>();
expectTypeOf(workflow.start({ mode: "background" as const, resume: "required" })).toEqualTypeOf<Promise<RunHandle>>();
expectTypeOf(workflow.start(options)).toEqualTypeOf<Promise<RunResult | RunHandle>>();

// What was saved is not known to the compiler: the user says what it is.
declare const result: RunResult;
expectTypeOf(result.output()).resolves.toEqualTypeOf<unknown>();
expectTypeOf(result.output<number[]>()).resolves.toEqualTypeOf<number[]>();
expectTypeOf(result.context<number>("load")).resolves.toHaveProperty("storage").toEqualTypeOf<number>();
