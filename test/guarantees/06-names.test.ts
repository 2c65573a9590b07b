// Guarantee 6: names that have broken other systems, as ids of tasks, of workflows and of runs, all in one storage.
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { action, Checkpoints, DotFlow, type Storage, type TaskRef } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { eachStorage, keysOf } from "../storages.ts";
import { names } from "./names.ts";
import { Notebook } from "./notebook.ts";

describe("6. `x/y`, `x_y`, `..`, an empty name, 10,000 characters, unicode, names that differ only in case: distinct and inside the store", () => {
  it("tries names that are all different", () => {
    expect(new Set(names).size).toBe(names.length);
  });

  eachStorage((_name, open) => {
    it("as ids of tasks: each keeps its own value, also when some of them failed", async () => {
      const notes = new Notebook();
      const workflow = (fails: (id: string) => boolean): DotFlow => {
        const flow = new DotFlow({ workflowId: "job", storage: open() });
        for (const id of names) {
          const step = notes.step("step", () => {
            if (fails(id)) throw new Error("fails");
            return `value of ${id}`;
          });
          flow.task.add(step, { id });
        }
        return flow;
      };
      const odd = (id: string): boolean => names.indexOf(id) % 2 === 1;
      expect((await workflow(odd).start({ mode: "parallel" })).succeeded).toBe(Math.ceil(names.length / 2));
      expect(notes.called()).toEqual(names);
      const result = await workflow(() => false).start({ mode: "parallel", resume: true });
      expect(result.status).toBe("completed");
      expect(notes.called()).toEqual(names.filter(odd));

      const contexts = await result.contexts();
      expect(Object.keys(contexts).sort()).toEqual(names.toSorted());
      const checkpoints = new Checkpoints(open(), { workflowId: "job" });
      expect((await checkpoints.info()).completed).toEqual(names);
      expect((await checkpoints.steps()).map(({ id }) => id).sort()).toEqual(names.toSorted());
      for (const id of open.some(names)) {
        expect((await result.context(id)).storage).toBe(`value of ${id}`);
        expect((await checkpoints.read(id)).storage).toBe(`value of ${id}`);
      }
      expect(await checkpoints.verify()).toEqual([]);
      await expectInside(open());
    });

    it("as ids of tasks that a later run takes over", async () => {
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      const notes = new Notebook();
      for (const id of names)
        workflow.task.add(
          notes.step("step", () => `value of ${id}`),
          { id },
        );
      workflow.task.add(notes.step("last", () => "last"));
      await workflow.start({ mode: "parallel" });
      notes.called();
      for (const from of ["last", "last", "__proto__", "constructor"]) {
        const result = await workflow.start({ mode: "parallel", resume: true, from });
        expect(result.restored).toBe(names.length);
        expect(notes.called()).toEqual([from]);
        expect((await workflow.checkpoints.info()).total).toBe(names.length + 1);
      }
      expect(await workflow.checkpoints.verify()).toEqual([]);
    });

    it("as ids of workflows: each resumes and removes its own runs", async () => {
      const workflow = (workflowId: string, notes = new Notebook()): DotFlow => {
        const flow = new DotFlow({ workflowId, storage: open() });
        flow.task.add(notes.step("step", (_, step) => `value of ${step.workflowId}`));
        return flow;
      };
      const tried = open.some(names);
      for (const name of tried) expect((await workflow(name).start({ resume: true })).restored).toBe(0);
      const listed = await new Checkpoints(open(), { workflowId: "job" }).workflows();
      expect(listed.map(({ workflowId }) => workflowId).sort()).toEqual(tried.toSorted());
      await expectInside(open());

      for (const [index, name] of tried.entries())
        if (index % 2 === 0) expect(await workflow(name).checkpoints.clear()).toBe(1);
      for (const [index, name] of tried.entries()) {
        const notes = new Notebook();
        const result = await workflow(name, notes).start({ resume: true });
        expect(notes.called(), name).toHaveLength(index % 2 === 0 ? 1 : 0);
        expect(await result.output()).toBe(`value of ${name}`);
      }
    });

    it("as names of actions and groups, from which ids are made", async () => {
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      const ids: string[] = [];
      for (const name of ["x", "x#2", "g.x", "__proto__", "constructor"]) {
        for (const groupName of ["default", "g", "g.x", "x", "__proto__"]) {
          for (let copy = 0; copy < 2; copy++)
            ids.push(
              workflow.task.add(
                action({ name }, (_, step) => step.taskId),
                { groupName },
              ).id,
            );
        }
      }
      expect(new Set(ids).size).toBe(ids.length);
      await workflow.start({ mode: "sequential_group" });
      const result = await workflow.start({ mode: "sequential_group", resume: true });
      expect(result.restored).toBe(ids.length);
      for (const id of ids) expect((await result.context(id)).storage).toBe(id);
    });

    it("as keys of what a join is given", async () => {
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      const refs = names.map((id) =>
        workflow.task.add(
          action({ name: "step" }, () => `value of ${id}`),
          { id },
        ),
      );
      const after = Object.fromEntries(names.map((name, index) => [name, refs[index] as TaskRef<string>]));
      workflow.task.add(
        action({ name: "join" }, (previous) => Object.entries(previous.storage as object)),
        { id: "join", after },
      );
      for (const resume of [false, true]) {
        const output = await (await workflow.start({ mode: "graph", resume })).output();
        // Names such as "0" come first in every object.
        expect(new Map(output as [string, string][])).toEqual(new Map(names.map((name) => [name, `value of ${name}`])));
      }
    });

    it("refused where they can't be a name: empty, no text, half a character", async () => {
      const step = action(function step() {});
      for (const name of ["", "\ud800", "x\udc00y"]) {
        const invalid = expect.objectContaining({ code: "INVALID_WORKFLOW" }) as Error;
        expect(() => new DotFlow({ workflowId: name, storage: open() })).toThrow(invalid);
        expect(() => new Checkpoints(open(), { workflowId: name })).toThrow(invalid);
        expect(() => new DotFlow().task.add(step, { id: name })).toThrow(invalid);
        expect(() => new DotFlow().task.add(action({ name }, () => {}))).toThrow(invalid);
      }
      expect(await keysOf(open())).toEqual([]);
    });

    it("as ids of runs that nobody has: not found, and nothing outside is read", async () => {
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      workflow.task.add(action({ name: "step" }, () => 1));
      const { runId } = await workflow.start();
      for (const name of [...names, `../../job/runs/${runId}`, `${runId}/`, runId.toUpperCase()]) {
        await expect(workflow.checkpoints.steps({ runId: name })).rejects.toMatchObject({ code: "NOTHING_TO_RESUME" });
        await expect(workflow.checkpoints.read("step", { runId: name })).rejects.toMatchObject({
          code: "NOTHING_TO_RESUME",
        });
      }
    });
  });
});

/** Every key is as the storage contract wants it, and no file lies beside the folder of the storage. */
async function expectInside(storage: Storage): Promise<void> {
  const keys = await keysOf(storage);
  for (const key of keys) {
    expect(key.length).toBeLessThanOrEqual(600);
    for (const part of key.split("/")) expect(part).toMatch(/^(?!\.)[a-z0-9_=.-]{1,150}(?<!\.)$/);
    for (const part of key.split("/")) expect(part).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/);
  }
  if (!(storage instanceof StorageFile)) return;
  expect(readdirSync(dirname(storage.folder))).toEqual(["store"]);
  const files = readdirSync(storage.folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    statSync(join(storage.folder, path)).isFile(),
  );
  expect(files.sort()).toEqual(keys);
}
