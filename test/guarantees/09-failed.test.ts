// Guarantee 9, with and without keepGoing, and for whatever a step may throw.
import { describe, expect, it } from "vitest";
import { DotFlow, NonRetryableError, type Storage, type TaskRef } from "dotflow";
import { eachStorage, keysOf } from "../storages.ts";
import { Notebook, randomFrom } from "./notebook.ts";

describe("9. A failed task's dependents are never recorded as done; a task that succeeded beside a failure is kept", () => {
  eachStorage((_name, open) => {
    it("the dependents are skipped, say why, and run on resume", async () => {
      const notes = new Notebook();
      const result = await branches(open(), notes, true).start();
      expect(result.status).toBe("failed");
      expect(result.tasks.map(({ id, status, reason }) => [id, status, reason])).toEqual([
        ["root", "completed", "no record"],
        ["bad", "failed", "failed with Error: bad fails"],
        ["child", "skipped", '"bad" failed'],
        ["good", "completed", "no record"],
        ["join", "skipped", '"child" was skipped'],
        ["last", "skipped", '"join" was skipped'],
      ]);
      await expect(result.output()).rejects.toMatchObject({
        code: "WORKFLOW_FAILED",
        taskId: "bad",
        cause: { message: "bad fails" },
      });
      expect(await recorded(open())).toEqual(["good", "root"]);
      expect(notes.called()).toEqual(["root", "bad", "good"]);

      const repaired = branches(open(), notes, false);
      expect(await repaired.checkpoints.info()).toMatchObject({
        status: "failed",
        completed: ["root", "good"],
        failed: ["bad"],
        skipped: ["child", "join", "last"],
      });
      expect(await (await repaired.start({ resume: true })).output()).toBe(
        "last(join(child(bad(root(null))),good(root(null))))",
      );
      expect(notes.called()).toEqual(["bad", "child", "join", "last"]);
    });

    it("under keepGoing they run, but what follows from a failure is not recorded, however far from it", async () => {
      const notes = new Notebook();
      const result = await branches(open(), notes, true).start({ keepGoing: true });
      expect(result).toMatchObject({ status: "failed", failed: 1, succeeded: 5, skipped: 0 });
      expect(notes.called().sort()).toEqual(["bad", "child", "good", "join", "last", "root"]);
      expect((await result.context("last")).storage).toBe("last(join(child(null),good(root(null))))");
      expect(Object.keys(await result.contexts())).toEqual(["root", "child", "good", "join", "last"]);
      await expect(result.output()).rejects.toMatchObject({ code: "WORKFLOW_FAILED" });
      expect(await recorded(open())).toEqual(["good", "root"]);

      // Whether or not it goes on with keepGoing.
      expect((await branches(open(), notes, true).start({ resume: true, keepGoing: true })).restored).toBe(2);
      expect(notes.called()).toEqual(["bad", "child", "join", "last"]);
      const repaired = await branches(open(), notes, false).start({ resume: true, keepGoing: true });
      expect(await repaired.output()).toBe("last(join(child(bad(root(null))),good(root(null))))");
      expect(await recorded(open())).toEqual(["bad", "child", "good", "join", "last", "root"]);
    });

    it.each(["sequential", "sequential_group", "parallel"] as const)("in the mode %s", async (mode) => {
      const notes = new Notebook();
      const workflow = (fails: boolean): DotFlow => {
        const flow = new DotFlow({ workflowId: "job", storage: open() });
        for (const [id, groupName] of [
          ["a", "x"],
          ["b", "x"],
          ["c", "y"],
          ["d", "x"],
          ["e", "y"],
        ] as const) {
          flow.task.add(
            notes.step(id, () => {
              if (fails && id === "b") throw new Error("b fails");
            }),
            { id, groupName },
          );
        }
        return flow;
      };
      const done = { sequential: "a", sequential_group: "a c e", parallel: "a c d e" }[mode].split(" ");
      for (const keepGoing of [false, true]) {
        expect((await workflow(true).start({ mode, keepGoing, resume: true })).status).toBe("failed");
        expect(await recorded(open())).toEqual(done);
      }
      notes.called();
      expect((await workflow(false).start({ mode, resume: true })).restored).toBe(done.length);
      expect(notes.called()).toEqual(["a", "b", "c", "d", "e"].filter((id) => !done.includes(id)));
    });

    it("a sibling that is still at work when the other one fails is kept", async () => {
      const notes = new Notebook();
      let failed = (): void => {};
      const afterFailure = new Promise<void>((resolve) => (failed = resolve));
      const workflow = new DotFlow({
        workflowId: "job",
        storage: open(),
        observers: [{ onEvent: ({ type }) => type === "step.failed" && failed() }],
      });
      workflow.task.add(notes.step("slow", () => afterFailure.then(() => "slow")));
      workflow.task.add(
        notes.step(
          "bad",
          () => {
            throw new NonRetryableError("bad fails");
          },
          { retry: 5 },
        ),
      );
      const result = await workflow.start({ mode: "parallel" });
      expect(result.tasks.map(({ status, attempts }) => [status, attempts])).toEqual([
        ["completed", 1],
        ["failed", 1],
      ]);
      expect(await recorded(open())).toEqual(["slow"]);
    });

    it("a chain longer than the stack is skipped as one of three tasks is", async () => {
      const notes = new Notebook();
      const workflow = new DotFlow({ workflowId: "job", storage: open() });
      workflow.task.add(
        notes.step("bad", () => {
          throw new Error("bad fails");
        }),
      );
      for (let index = 0; index < 20_000; index++) workflow.task.add(notes.step("follower", () => index));
      const result = await workflow.start();
      expect(result).toMatchObject({ status: "failed", failed: 1, skipped: 20_000 });
      expect(await recorded(open())).toEqual([]);
    });

    it.each(open.some(thrown))("a step that throws %s fails its task and nothing else", async (_, make) => {
      const notes = new Notebook();
      const heard: string[] = [];
      const workflow = new DotFlow({
        workflowId: "job",
        storage: open(),
        observers: [{ onEvent: ({ type }) => void heard.push(type) }],
      });
      workflow.task.add(notes.step("good", () => 1));
      workflow.task.add(
        notes.step(
          "bad",
          () => {
            throw make();
          },
          { retry: 2, retryDelay: 0 },
        ),
      );
      const result = await workflow.start({ mode: "parallel" });
      expect(result.tasks.map(({ status }) => status)).toEqual(["completed", "failed"]);
      expect(result.tasks[1]?.errors).not.toEqual([]);
      for (const error of result.tasks[1]?.errors ?? []) expect(error).toBeInstanceOf(Error);
      await expect(result.output()).rejects.toMatchObject({ code: "WORKFLOW_FAILED", taskId: "bad" });
      expect(heard).toEqual(expect.arrayContaining(["step.failed", "run.failed"]));
      const steps = await workflow.checkpoints.steps();
      expect(steps.find(({ id }) => id === "bad")).toMatchObject({
        status: "failed",
        error: { name: expect.any(String) as string, message: expect.any(String) as string },
      });
    });

    it("in random graphs, whatever is recorded has all that it follows from recorded too", async () => {
      for (let seed = 1; seed <= 30; seed += open.every) {
        const random = randomFrom(seed);
        const workflow = new DotFlow({ workflowId: `job-${seed}`, storage: open() });
        const notes = new Notebook();
        const refs: TaskRef[] = [];
        const before = new Map<string, string[]>();
        for (let index = 0; index < 12; index++) {
          const after = refs.filter(() => random() < 0.3);
          const step = notes.step(`t${index}`, () => {
            if (random() < 0.3) throw new Error("fails");
          });
          before.set(
            `t${index}`,
            after.map(({ id }) => id),
          );
          refs.push(workflow.task.add(step, after.length > 0 ? { after } : {}));
        }
        for (let start = 0; start < 4; start++) {
          await workflow.start({ mode: "graph", resume: true, keepGoing: random() < 0.7 });
          const { completed } = await workflow.checkpoints.info();
          for (const id of completed)
            expect(completed, `seed ${seed}`).toEqual(expect.arrayContaining(before.get(id) ?? []));
        }
      }
    });
  });
});

const thrown: readonly [string, () => unknown][] = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["a text", () => "text"],
  ["a symbol", () => Symbol("x")],
  ["an object without a prototype", () => Object.create(null) as unknown],
  ["a frozen error", () => Object.freeze(new Error("frozen"))],
  ["an error without a stack", () => Object.assign(new Error("x"), { stack: undefined })],
  ["an error whose message is a symbol", () => Object.assign(new Error("x"), { message: Symbol("message") })],
  ["an error whose name is null", () => Object.assign(new Error("x"), { name: null, message: null, stack: 42 })],
  ["an error that throws when it is read", unreadable],
  ["a proxy that was revoked", revoked],
];

function unreadable(): Error {
  const get = (): never => {
    throw new Error("gotcha");
  };
  return Object.defineProperty(new Error("x"), "message", { get });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** root → bad → child; root → good; both → join → last. Each task gives its id around its previous value. */
function branches(storage: Storage, notes: Notebook, fails: boolean): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage });
  const step = (id: string) =>
    notes.step(id, (previous) => {
      if (fails && id === "bad") throw new Error("bad fails");
      return `${id}(${String(previous)})`;
    });
  const root = workflow.task.add(step("root"));
  const child = root.add(step("bad")).add(step("child"));
  const good = workflow.task.add(step("good"), { after: root });
  workflow.task.add(step("join"), { after: [child, good] }).add(step("last"));
  return workflow;
}

async function recorded(storage: Storage): Promise<string[]> {
  return (await keysOf(storage)).flatMap((key) => /\/steps\/(.*)$/.exec(key)?.[1] ?? []);
}
