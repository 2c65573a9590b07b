// Guarantee 5, for each way in which a step can be given: as a function, as a method, as a text that names a module.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { action, type Context, DotFlow, NonRetryableError } from "dotflow";
import type { TextStepsReport } from "../children/guarantee-text-steps.ts";
import { eachSharedStorage, eachStorage } from "../storages.ts";
import { startCompilingChild } from "./children.ts";
import { Notebook } from "./notebook.ts";

describe("5. A bug fixed in a failed step's code: the resumed run uses the fixed code", () => {
  eachStorage((_name, open) => {
    it("of a function, and the saved steps before it keep their old values", async () => {
      const notes = new Notebook();
      const workflow = (extracted: string, transform: (previous: unknown) => unknown): DotFlow => {
        const flow = new DotFlow({ workflowId: "job", storage: open() });
        flow.task.add(notes.step("extract", () => extracted)).add(notes.step("transform", transform));
        return flow;
      };
      const broken = await workflow("old", () => {
        throw new NonRetryableError("a bug");
      }).start();
      expect(broken.status).toBe("failed");
      const fixed = await workflow("new", (previous) => `fixed, with the ${String(previous)} value`).start({
        resume: true,
      });
      expect(await fixed.output()).toBe("fixed, with the old value");
      expect(notes.called()).toEqual(["extract", "transform", "transform"]);
    });

    it("of a method, which finds its instance as it is now", async () => {
      const workflow = (factor: number): DotFlow => {
        class Etl {
          @action
          extract(): number {
            return 7;
          }
          @action
          transform(previous: Context<number>): number {
            if (factor === 0) throw new Error("a bug");
            return previous.storage * factor;
          }
        }
        const flow = new DotFlow({ workflowId: "job", storage: open() });
        flow.task.add(new Etl());
        return flow;
      };
      expect((await workflow(0).start()).status).toBe("failed");
      const fixed = await workflow(3).start({ resume: true });
      expect(fixed.restored).toBe(1);
      expect(await fixed.output()).toBe(21);
    });

    it("with other retries, timeouts, schemas and callbacks, which are no change of the workflow", async () => {
      const heard: string[] = [];
      const workflow = (attempts: number): DotFlow => {
        const flow = new DotFlow({ workflowId: "job", storage: open() });
        const load = action(
          { name: "load", retry: attempts, retryDelay: 0, timeout: attempts * 1_000 },
          (_: Context, step) => {
            if (step.attempt < 3) throw new Error("not yet");
            return step.attempt;
          },
        );
        flow.task.add(load, { callback: ({ status }) => heard.push(status) });
        return flow;
      };
      expect((await workflow(2).start()).status).toBe("failed");
      expect(await (await workflow(3).start({ resume: "required" })).output()).toBe(3);
      expect(heard).toEqual(["failed", "completed"]);
    });
  });

  eachSharedStorage((_name, open) => {
    it("of a module that a text names", async () => {
      const folder = mkdtempSync(join(tmpdir(), "dotflow-steps-"));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const module = join(folder, "steps.mts");
      const write = (extract: string, transform: string): void =>
        writeFileSync(
          module,
          `import { action } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../src/index.ts")).href)};
           export const extract = action(function extract() { ${extract} });
           export const transform = action(function transform(previous) { ${transform} });`,
        );
      const run = (): Promise<TextStepsReport> =>
        startCompilingChild("guarantee-text-steps", ...open.args(), module).message<TextStepsReport>();

      write("return 'old'", "throw new Error('a bug')");
      expect(await run()).toMatchObject({ status: "failed", tasks: ["completed", "failed"] });
      write("return 'new'", "throw new Error('another bug')");
      const failed = await run();
      expect(failed.tasks).toEqual(["restored", "failed"]);
      expect(failed.output).toContain("another bug");
      write("return 'new'", "return 'fixed, with the ' + previous.storage + ' value'");
      expect(await run()).toEqual({
        status: "completed",
        tasks: ["restored", "completed"],
        output: "fixed, with the old value",
      });
    });
  });
});
