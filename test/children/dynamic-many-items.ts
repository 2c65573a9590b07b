// Goes over very many items, each of which gives two kilobytes, and sends how far it came and how much memory that took.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { action, type Context, DotFlow, type ItemCounts } from "dotflow";
import { openPlace } from "../places.ts";

export interface ManyItemsReport {
  readonly status: string;
  readonly items: ItemCounts | undefined;
  /** By how many bytes the heap has grown, once what is no longer needed is gone. */
  readonly grown: number;
}

const [kind = "", place = "", count = "", broken = ""] = process.argv.slice(2);
const workflow = new DotFlow({ workflowId: "many", storage: openPlace(kind, place) });
const step = action(async function give({ storage: item }: Context<number>) {
  if (String(item) === broken) throw new Error("This one is broken.");
  return { item, text: "x".repeat(2_000) };
});
workflow.task.map(step, {
  *over() {
    for (let item = 0; item < Number(count); item++) yield item;
  },
  concurrency: 64,
});

// Without this the heap also holds what nobody needs any more.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const before = used();
const result = await workflow.start({ resume: true });
const grown = used() - before;
const report: ManyItemsReport = { status: result.status, items: result.tasks[0]?.items, grown };
process.send?.(report, () => process.disconnect());

function used(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
