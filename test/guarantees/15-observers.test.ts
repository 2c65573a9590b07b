// Guarantee 15, its first half: observers and callbacks that misbehave in every way, each compared with a run that has none.
import { describe, expect, it } from "vitest";
import {
  DotFlow,
  type Observer,
  type StartOptions,
  type StepContext,
  type Storage,
  type TaskResult,
  type WorkflowEvent,
} from "dotflow";
import { manualClock } from "dotflow/testing";
import { eachStorage, fill, keysOf } from "../storages.ts";
import { Notebook } from "./notebook.ts";
import { whileAdvancing } from "./time.ts";

type Call = (...args: never[]) => unknown;
type Hook = "onEvent" | "callback" | "onSuccess" | "onFailure" | "aroundStep";
const allHooks: Hook[] = ["onEvent", "callback", "onSuccess", "onFailure", "aroundStep"];

const misbehaviours: Record<string, Call> = {
  "throws an error": () => {
    throw new Error("observer fails");
  },
  "throws a text": () => {
    // oxlint-disable-next-line typescript/only-throw-error -- users may do so
    throw "observer fails";
  },
  "throws what has no text": () => {
    throw Object.create(null);
  },
  rejects: async () => {
    throw new Error("observer fails");
  },
  "rejects with what has no text": () => Promise.reject(Object.create(null)),
  // oxlint-disable-next-line unicorn/no-thenable -- users may do so
  "gives a thenable that throws": () => ({ then: () => JSON.parse("{") as never }),
};

/** What it is given is spoilt, as far as that is possible at all. */
const spoils: Record<string, Call> = {
  "empties what it is given": (given: object) => {
    for (const key of Object.keys(given)) Reflect.deleteProperty(given, key);
  },
  "overwrites what it is given": (given: Record<string, unknown>) => {
    for (const key of Object.keys(given)) Reflect.set(given, key, "spoilt");
  },
  "empties the lists and breaks the errors in what it is given": (given: object) => {
    for (const value of Object.values(given)) {
      if (Array.isArray(value)) value.length = 0;
      if (value instanceof Error)
        Object.defineProperty(value, "message", {
          get: () => {
            throw new Error("spoilt");
          },
        });
    }
  },
};

type Next = () => Promise<unknown>;
const wrappers: Record<string, NonNullable<Observer["aroundStep"]>> = {
  "throws before next": () => {
    throw new Error("observer fails");
  },
  "throws after next": async (_, next) => {
    await next();
    throw new Error("observer fails");
  },
  "calls next and throws at once": (_, next) => {
    void next().catch(() => {});
    throw new Error("observer fails");
  },
  "calls next twice": async (_, next) => {
    await Promise.allSettled([next(), next()]);
  },
  "calls next again when it failed": async (_, next) => {
    try {
      await next();
    } catch {
      await next();
    }
  },
  "never calls next": () => {},
  "calls next late": async (_, next) => {
    await Promise.resolve();
    await next().catch(() => {});
  },
  "hides the failure and gives another value": (_, next) =>
    next().then(
      () => "another value",
      () => "another value",
    ),
  "replaces the failure": (_, next) => next().catch(() => Promise.reject(new Error("another error"))),
  "spoils the value": (_, next: Next) =>
    next().then(
      (value) => Object.assign(value as object, { spoilt: true }),
      () => {},
    ),
};

describe("15. An observer or callback that throws, or hangs, changes nothing in the run", () => {
  eachStorage((_name, open) => {
    describe.each(allHooks)("%s", (hook) => {
      it.each(open.some([...Object.entries(misbehaviours), ...Object.entries(spoils)]))("%s", async (what, call) => {
        for (const fails of [false, true]) {
          const expected = await outcome(open(), {}, fails);
          const actual = await outcome(open(), { [hook]: call }, fails);
          expect(actual.facts).toEqual(expected.facts);
          if (what in misbehaviours) expect(actual.warned).toBe(isCalled(hook, fails));
          expect(actual.events).toEqual(expected.events);
        }
      });

      it("hangs: the run ends as it would, after five seconds", async () => {
        for (const fails of [false, true]) {
          const hanging: Hooks = { [hook]: () => new Promise(() => {}) };
          const { clock, workflow } = retrying(open(), hanging, fails);
          let settled = false;
          const started = workflow.start(callbacksOf(hanging)).finally(() => (settled = true));
          await clock.untilWaiting(1, 0);
          await clock.advance(0);
          if (isCalled(hook, fails)) {
            await clock.untilWaiting(1, "5s");
            await clock.advance("4s");
            expect(settled).toBe(false);
            await clock.advance("1s");
          }
          const result = await started;
          expect(result.tasks.map(({ status }) => status)).toEqual(
            fails ? ["completed", "failed", "skipped"] : ["completed", "completed", "completed"],
          );
          expect((await workflow.checkpoints.info()).owner).toBeUndefined();
          await fill(open(), new Map());
        }
      });
    });

    it.each(open.some(Object.entries(wrappers)))(
      "an aroundStep that %s: each attempt is made once, and what it gives counts",
      async (_, aroundStep) => {
        for (const fails of [false, true]) {
          const { facts } = await outcome(open(), {}, fails);
          expect((await outcome(open(), { aroundStep }, fails)).facts).toEqual(facts);
          expect(
            (await outcome(open(), { aroundStep, inner: (_case: unknown, next: Next) => next() }, fails)).facts,
          ).toEqual(facts);
        }
      },
    );

    it("what an observer is slow with is waited for, and what fails late is told", async () => {
      const clock = manualClock();
      const heard: WorkflowEvent[] = [];
      const slow = async ({ type }: WorkflowEvent): Promise<void> => {
        if (type !== "run.completed") return;
        await new Promise<void>((resolve) => clock.timer(4_000, resolve));
        throw new Error("too slow");
      };
      const workflow = new DotFlow({
        storage: clock.watch(open()),
        clock,
        observers: [{ onEvent: slow }, { onEvent: (event) => void heard.push(event) }],
      });
      workflow.task.add(new Notebook().step("step", () => 1));
      const started = workflow.start();
      await clock.untilWaiting(1, "5s");
      await clock.advance("4s");
      await started;
      expect(heard.at(-1)).toMatchObject({ type: "warning", message: expect.stringContaining("too slow") as string });
    });

    it("an observer that starts the workflow or takes its tasks away from within", async () => {
      const caught: unknown[] = [];
      const meddle = async ({ type }: WorkflowEvent): Promise<void> => {
        if (type !== "step.started") return;
        const started = workflow.start({ resume: true }).catch((error: { code: string }) => caught.push(error.code));
        workflow.task.clear();
        await started;
      };
      const workflow = new DotFlow({ workflowId: "job", storage: open(), observers: [{ onEvent: meddle }] });
      const notes = new Notebook();
      workflow.task.add(notes.step("a", () => 1)).add(notes.step("b", () => 2));
      const result = await workflow.start();
      expect(await result.output()).toBe(2);
      expect(notes.called()).toEqual(["a", "b"]);
      // The second is refused before anything is asked of the storage.
      expect(new Set(caught)).toEqual(new Set(["INVALID_WORKFLOW", "WORKFLOW_LOCKED"]));
    });
  });
});

function isCalled(hook: Hook, fails: boolean): boolean {
  return hook === "onSuccess" ? !fails : hook === "onFailure" ? fails : true;
}

type Hooks = Partial<Record<Hook | "inner", Call>>;

/** A workflow with a retry, and a failure where `fails` says so, with hooks in every place. */
function retrying(storage: Storage, { onEvent, aroundStep, inner, callback }: Hooks, fails: boolean) {
  const clock = manualClock();
  const heard: WorkflowEvent[] = [];
  const observers = [
    { onEvent, aroundStep } as Observer,
    { aroundStep: inner } as Observer,
    { onEvent: (event: WorkflowEvent) => void heard.push(event) },
  ];
  const workflow = new DotFlow({ workflowId: "job", storage: clock.watch(storage), observers, clock });
  const notes = new Notebook();
  const options = callback && { callback: callback as (result: TaskResult) => unknown };
  const give = (previous: unknown): unknown => ({ previous });
  const flaky = (previous: unknown, { attempt }: StepContext): unknown => {
    if (fails || attempt === 1) throw new Error("flaky fails");
    return { previous };
  };
  workflow.task.add(notes.step("first", give), options);
  workflow.task.add(notes.step("flaky", flaky, { retry: 2, retryDelay: 0 }), options);
  workflow.task.add(notes.step("last", give), options);
  return { clock, heard, workflow, notes };
}

/** Starts it, and gives all that can be seen of the run, without times and ids. */
async function outcome(storage: Storage, hooks: Hooks, fails: boolean) {
  const { clock, heard, workflow, notes } = retrying(storage, hooks, fails);
  const result = await whileAdvancing(clock, workflow.start(callbacksOf(hooks)));
  const { status, tasks } = result;
  const facts = {
    status,
    tasks: tasks.map(({ id, status: ended, attempts, errors, reason }) => [id, ended, attempts, errors.length, reason]),
    called: notes.called(),
    contexts: Object.entries(await result.contexts()).map(([id, context]) => [id, context.storage]),
    keys: (await keysOf(storage)).map((key) => key.replace(/runs\/[^/]+/, "runs/id")),
    saved: (await workflow.checkpoints.steps()).map((step) => `${step.id} ${step.status} ${step.attempts}`).sort(),
    info: (await workflow.checkpoints.info()).status,
  };
  await fill(storage, new Map());
  const events = heard
    .filter(({ type }) => type !== "warning")
    .map((event) => [event.type, "taskId" in event && event.taskId]);
  return { facts, events, warned: heard.some(({ type }) => type === "warning") };
}

function callbacksOf({ onSuccess, onFailure }: Hooks): Omit<StartOptions, "mode"> {
  return { onSuccess, onFailure } as Omit<StartOptions, "mode">;
}
