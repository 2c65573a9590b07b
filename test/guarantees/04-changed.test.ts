// Guarantee 4: a run whose last step failed is resumed with a changed workflow, under each policy. What runs is said exactly.
import { describe, expect, it } from "vitest";
import {
  type After,
  DotFlow,
  type StartOptions,
  type Storage,
  StorageMemory,
  type TaskRef,
  type WorkflowChangedError,
} from "dotflow";
import { eachStorage } from "../storages.ts";
import { changes, type Definition, plain, tasks, withTask, words } from "./changes.ts";
import { Notebook } from "./notebook.ts";

const all = Object.entries(changes);
const policies = ["rerun", "reuse", "restart"] as const;

describe("4. A task added, removed, rewired, reordered, renamed or re-versioned: found, and handled as onChange says", () => {
  eachStorage((_name, open) => {
    it.each(open.some(all.filter(([, { found }]) => found === "")))(
      "%s: is no change",
      async (_, { before = plain, after, rerun }) => {
        await begin(before, open());
        const { notes, start } = use(after, open());
        expect(await start()).toMatchObject({ status: "completed" });
        expect(notes.called()).toEqual(words(rerun));
      },
    );

    it.each(open.some(all.filter(([, { found }]) => found !== "")))(
      "%s: raises, and nothing is run or changed",
      async (_, { before = plain, after, found }) => {
        await begin(before, open());
        const { notes, start } = use(after, open());
        const error: unknown = await start().catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: "WORKFLOW_CHANGED", workflowId: "job" });
        const { changes: listed, message } = error as WorkflowChangedError;
        expect(listed.map(({ taskId }) => taskId).sort()).toEqual(words(found));
        for (const { taskId, what } of listed) expect(message).toContain(`"${taskId}" ${what}`);
        expect(notes.called()).toEqual([]);
        const undone = use(before, open());
        expect(await undone.start()).toMatchObject({ status: "completed", restored: 3 });
        expect(undone.notes.called()).toEqual(["d"]);
      },
    );

    describe.each(policies)("%s, and then there is nothing to find any more", (onChange) => {
      it.each(open.some(all))("%s", async (_, { before = plain, after, found, rerun, reuse }) => {
        await begin(before, open());
        const { notes, start, workflow } = use(after, open());
        const ids = after.tasks.map(({ id }) => id);
        const expected = { rerun: words(rerun), reuse: words(reuse), restart: found === "" ? words(rerun) : ids }[
          onChange
        ];
        const result = await start(onChange);
        expect(result.status).toBe("completed");
        expect(notes.called()).toEqual(expected);
        const restored = result.tasks.filter((task) => task.status === "restored").map((task) => task.id);
        expect(restored).toEqual(ids.filter((id) => !expected.includes(id)));
        expect(await start()).toMatchObject({ status: "completed", succeeded: 0, runId: result.runId });
        expect(notes.called()).toEqual([]);
        expect(await workflow.checkpoints.verify()).toEqual([]);
        // What was kept fits: the run gives what one without a past gives.
        const anew = await use(after, new StorageMemory()).start();
        if (onChange !== "reuse") expect(await outputs(result)).toEqual(await outputs(anew));
      });
    });

    it("re-versioned after it failed, then another fails: no false alarm at the next resume", async () => {
      await begin(withTask("d", { version: 1 }), open());
      const next: Definition = { tasks: [...withTask("d", { version: 2 }).tasks, { id: "e" }] };
      const failed = use(next, open(), ["e"]);
      expect((await failed.start()).status).toBe("failed");
      expect(failed.notes.called()).toEqual(["d", "e"]);
      const { notes, start } = use(next, open());
      expect(await start()).toMatchObject({ status: "completed", restored: 4 });
      expect(notes.called()).toEqual(["e"]);
    });

    it("a rerun that fails is resumed as any run, and its predecessor stays as it was", async () => {
      const old = await begin(plain, open());
      const next = withTask("b", { version: 2 });
      const failed = use(next, open(), ["c"]);
      const first = await failed.start("rerun");
      expect(failed.notes.called()).toEqual(["b", "c"]);
      const { notes, start, workflow } = use(next, open());
      expect(await start()).toMatchObject({ status: "completed", runId: first.runId });
      expect(notes.called()).toEqual(["c", "d"]);
      expect((await workflow.checkpoints.read("b", { runId: old })).storage).toBe("b(a(null))");
      expect((await workflow.checkpoints.runs()).map(({ runId, status }) => [runId, status])).toEqual([
        [first.runId, "completed"],
        [old, "failed"],
      ]);
    });

    it("taken out under reuse and put back with another version: found", async () => {
      await begin(withTask("b", { version: 1 }), open());
      expect((await use({ tasks: tasks("a c d") }, open()).start("reuse")).status).toBe("completed");
      const { notes, start } = use(withTask("b", { version: 2 }), open());
      await expect(start()).rejects.toMatchObject({ code: "WORKFLOW_CHANGED" });
      expect((await start("rerun")).status).toBe("completed");
      expect(notes.called()).toEqual(["b", "c", "d"]);
    });

    it("names that only look alike once they are joined: no two graphs are taken for the same", async () => {
      const edges = [["p", "q"], ["p,q"], ['p","q'], ["q", "p"], ["p", "q", "p"], []];
      const definition = (after: string[]): Definition => ({
        mode: "graph",
        tasks: [
          ...["p", "q", "p,q", 'p","q'].map((id) => ({ id })),
          { id: "c", ...(after.length > 0 && { after }) },
          { id: "d", after: ["c"] },
        ],
      });
      for (const [index, saved] of edges.entries()) {
        for (const [other, present] of edges.entries()) {
          const storage = new StorageMemory();
          await begin(definition(saved), storage);
          const start = use(definition(present), storage).start();
          if (index === other) expect((await start).status).toBe("completed");
          else
            await expect(start, `${saved.join(" ")} and ${present.join(" ")}`).rejects.toMatchObject({
              changes: [{ taskId: "c" }],
            });
        }
      }
    });
  });
});

/** Starts a run whose last task fails, and gives its id. */
async function begin(definition: Definition, storage: Storage): Promise<string> {
  const result = await use(definition, storage, ["d"]).start();
  expect(result.tasks.filter((task) => task.status !== "completed").map((task) => task.id)).toEqual(["d"]);
  return result.runId;
}

/** The workflow of a definition, made anew. Each task gives its id around its previous value. */
function use(definition: Definition, storage: Storage, failing: readonly string[] = []) {
  const workflow = new DotFlow({ workflowId: "job", storage });
  const notes = new Notebook();
  const refs = new Map<string, TaskRef>();
  for (const { id, after, version, retry, ...options } of definition.tasks) {
    const step = notes.step(
      id.replace("x.", ""),
      (previous) => {
        if (failing.includes(id)) throw new Error(`${id} fails`);
        return `${id}(${JSON.stringify(previous).replaceAll('"', "")})`;
      },
      { version, retry },
    );
    const edges: After | undefined = Array.isArray(after)
      ? after.map((each: string) => refs.get(each) as TaskRef)
      : after && Object.fromEntries(Object.entries(after).map(([name, each]) => [name, refs.get(each) as TaskRef]));
    refs.set(
      id,
      workflow.task.add(step, {
        ...(options.groupName === undefined && { id }),
        ...options,
        ...(edges && { after: edges }),
      }),
    );
  }
  const { mode, initialContext } = definition;
  const start = (onChange?: StartOptions["onChange"]) =>
    workflow.start({
      mode: mode ?? (definition.tasks.some((task) => task.after) ? "graph" : "sequential"),
      initialContext,
      resume: true,
      onChange,
    });
  return { workflow, notes, start };
}

async function outputs(result: { contexts(): Promise<Record<string, { storage: unknown }>> }): Promise<unknown> {
  return Object.entries(await result.contexts()).map(([id, { storage }]) => [id, storage]);
}
