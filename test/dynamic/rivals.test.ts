// Two processes and one run, in the middle of a loop, a map, a `once`, a wait, a batch, a workflow within: one of them fell
// asleep there, the other one took over, went to the end, and then the first one woke up.
import { afterAll, expect, it } from "vitest";
import type { ZombieReport } from "../children/dynamic-zombie.ts";
import { programOf } from "../crash/programs.ts";
import { contentsOf, eachSharedStorage } from "../storages.ts";
import { expectConnected } from "./connected.ts";
import { signedWorkflow } from "./signed.ts";

type Nap = readonly [at: "before" | "after" | "in", pattern: string, everySteps?: string];

const naps: readonly Nap[] = [
  ["before", "loop/iterations/0*1$"],
  ["after", "loop/iterations/0*1$"],
  ["before", "loop/once/"],
  ["in", "before once 2"],
  ["before", "map/items/"],
  ["in", "between items"],
  ["before", "map/of/.*/once/"],
  ["before", "gate/waits/"],
  ["before", "taken/"],
  ["before", "gate/arrivals/"],
  ["before", "steps/map$"],
  ["before", "steps/inner$"],
  ["before", "steps/child$"],
  ["before", "batches/", "2"],
  ["before", "batches/.*-0*1$", "2"],
];

const program = programOf("dynamic-zombie");
afterAll(() => program.end());

eachSharedStorage((_name, open) => {
  it(
    "one that wakes up begins nothing more, and what it brings along fits or is refused",
    { timeout: 120_000 },
    async () => {
      const wake = async ([at, pattern, everySteps = ""]: Nap, number: number): Promise<void> => {
        const nap = `${at} ${pattern}`;
        const workflowId = `job-${number}`;
        const options = {
          workflowId,
          storage: open(),
          ...(everySteps && { checkpoint: { everySteps: Number(everySteps) } }),
        };
        const sleeper = program.start(...open.args(), workflowId, at, pattern, "1s", everySteps);
        expect(await sleeper.firstLine, nap).toBe("stops");
        const result = await signedWorkflow(options).start({ resume: true, lock: "wait" });
        expect(result.status, nap).toBe("completed");
        const values = await expectConnected(options);
        const before = await contentsOf(open());
        sleeper.child.kill("SIGCONT");
        const report = JSON.parse((await sleeper.ended).lines.at(-1) ?? "") as ZombieReport;
        expect(report, nap).toMatchObject({ code: "LEASE_LOST", began: [] });
        expect(await expectConnected(options), nap).toEqual(values);
        const after = await contentsOf(open());
        for (const [key, bytes] of before)
          if (key.startsWith(workflowId) && !key.includes("/leases/"))
            expect(after.get(key), `${nap}: ${key}`).toEqual(bytes);
      };
      await Promise.all(open.some(naps).map(wake));
    },
  );
});
