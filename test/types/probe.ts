import { action, Context, DotFlow, type StepContext, TaskRef } from "dotflow";
import * as z from "zod";

const extract = action(async function extract() {
  return { rows: [1, 2, 3] };
});
const transform = action({ retry: 3 }, async function transform(previous: Context<{ rows: number[] }>) {
  return previous.storage.rows.map((row) => row * 10);
});
const load = action(async function load(previous: Context<number[]>, step: StepContext) {
  return step.attempt + previous.storage.length;
});
const wf = new DotFlow({ workflowId: "x" });
const e = wf.task.add(extract);
const t = e.add(transform);
const l = t.add(load);
export const x: TaskRef<number> = l;
// @ts-expect-error
e.add(load);
wf.task.add(load, { after: t });
// @ts-expect-error
wf.task.add(load, { after: e });
const both = action((previous: Context<[{ rows: number[] }, number[]]>) => previous.storage[1]);
wf.task.add(both, { after: [e, t] });
// @ts-expect-error
wf.task.add(both, { after: [t, e] });
const obj = action((previous: Context<{ a: { rows: number[] }; b: number[] }>) => previous.storage.b);
wf.task.add(obj, { after: { a: e, b: t } });
// @ts-expect-error
wf.task.add(obj, { after: { a: t, b: e } });
const opt = action((previous?: Context<number[]>) => previous?.storage);
t.add(opt);
// @ts-expect-error
e.add(opt);
const any0 = action(() => 1);
e.add(any0);
const sch = action({ input: z.object({ rows: z.array(z.number()) }) }, async (previous) => previous.storage.rows.length);
e.add(sch);
// @ts-expect-error
t.add(sch);
const out = action({ output: z.string().transform((s) => s.length) }, () => "abc");
const o: TaskRef<number> = wf.task.add(out);
void o;
wf.task.add("./x.js#y").add(load);
const y: TaskRef<string> = wf.task.add<string>("./x.js#y");
void y;
// @ts-expect-error
wf.task.add(() => 1);
// @ts-expect-error
wf.task.add(extract, { groupname: "x" });
// @ts-expect-error
await wf.start({ resme: true });
