// crashTest on the sound engine: workflows of every shape survive every crash, whatever they are kept in.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  action,
  type Context,
  DotFlow,
  type DotFlowOptions,
  NonRetryableError,
  type Storage,
  StorageMemory,
} from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { type CrashReport, crashTest } from "dotflow/testing";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFolder(): StorageFile {
  const folder = mkdtempSync(join(tmpdir(), "crash-test-"));
  folders.push(folder);
  return new StorageFile({ folder });
}

/** A step that shows in its value all that it was given. */
const step = (name: string) => action({ name }, async ({ storage }: Context) => ({ name, given: storage }));
const [a, b, c, d] = [step("a"), step("b"), step("c"), step("d")];

const fails = action(async function fails() {
  throw new NonRetryableError("for ever");
});

type Make = (storage: Storage, start: number, options?: DotFlowOptions) => DotFlow;

const sequential: Make = (storage, _start, options) => {
  const workflow = new DotFlow({ workflowId: "sequential", storage, ...options });
  workflow.task.add([a, b, c, d]);
  return workflow;
};

const grouped: Make = (storage, _start, options) => {
  const workflow = new DotFlow({ workflowId: "grouped", storage, ...options });
  workflow.task.add([a, b], { groupName: "left" });
  workflow.task.add([c, d], { groupName: "right" });
  return workflow;
};

const diamond: Make = (storage, _start, options) => {
  const workflow = new DotFlow({ workflowId: "diamond", storage, ...options });
  const first = workflow.task.add(a);
  const left = workflow.task.add(b, { after: first });
  const right = workflow.task.add(c, { after: first });
  workflow.task.add(d, { after: { left, right } });
  return workflow;
};

/** How many rounds of which kind there were is in the report; without them it would prove nothing. */
function expectSound(report: CrashReport): void {
  expect(report.problems, String(report)).toEqual([]);
  expect(report).toMatchObject({ missed: 0 });
  expect(report.operations).toBeGreaterThan(6);
  expect(report.crashes).toBeGreaterThan(report.operations);
}

describe.each<[string, Make]>([
  ["sequential", sequential],
  ["grouped", grouped],
  ["diamond", diamond],
])("a %s workflow", (name, make) => {
  it("survives every crash, and every crash of the resume", async () => {
    const report = await crashTest(make);
    console.log(`${name}, four steps: ${String(report)}`);
    expectSound(report);
    expect(report.rivals).toBe(4);
    expect(report.crashes).toBeGreaterThan(200);
  });

  it("survives every crash in files", async () => {
    expectSound(await crashTest(make, { storage: newFolder, twice: false }));
  });

  it("survives every crash when it is signed, encrypted and compressed", async () => {
    const options: DotFlowOptions = {
      secret: "a secret",
      encryptionKey: new Uint8Array(32).fill(7),
      compression: "gzip",
    };
    expectSound(await crashTest((storage, start) => make(storage, start, options), { twice: false }));
  });
});

it("lets a parallel workflow survive, with the options of its start", async () => {
  const report = await crashTest(sequential, {
    start: { mode: "parallel", concurrency: 2, initialContext: { from: "outside" } },
  });
  expectSound(report);
});

it("lets steps survive that are tried again", async () => {
  const flaky = action({ retry: 3, retryDelay: 0 }, async function flaky(_previous: Context, { attempt }) {
    if (attempt < 3) throw new Error("not yet");
    return attempt;
  });
  expectSound(
    await crashTest((storage) => {
      const workflow = new DotFlow({ workflowId: "retries", storage });
      workflow.task.add(a).add(flaky).add(d);
      return workflow;
    }),
  );
});

it("resumes a workflow that fails at first, and crashes that resume as well", async () => {
  const report = await crashTest((storage, start) => {
    const workflow = new DotFlow({ workflowId: "fixed", storage });
    const load = action(async function load({ storage: value }: Context) {
      if (start === 1) throw new NonRetryableError("a bug");
      return { loaded: value };
    });
    workflow.task.add(a).add(b).add(load).add(d);
    return workflow;
  });
  expectSound(report);
});

it("takes a workflow that always fails as it is", async () => {
  const report = await crashTest((storage) => {
    const workflow = new DotFlow({ workflowId: "failing", storage });
    const first = workflow.task.add(a);
    workflow.task.add(d, {
      after: [workflow.task.add(b, { after: first }), workflow.task.add(fails, { after: first })],
    });
    return workflow;
  });
  expectSound(report);
});

it("takes runs that are removed when they have completed", async () => {
  expectSound(await crashTest((storage, start) => sequential(storage, start, { retention: { onSuccess: "delete" } })));
});

it("takes workflows that go on after a failure", async () => {
  const report = await crashTest(
    (storage) => {
      const workflow = new DotFlow({ workflowId: "going-on", storage });
      workflow.task.add([a, fails, d]);
      return workflow;
    },
    { start: { keepGoing: true } },
  );
  expectSound(report);
});

it("takes a workflow that is made with a look at its storage", async () => {
  const report = await crashTest(
    async (storage) => {
      const workflow = sequential(storage, 1);
      await workflow.checkpoints.info();
      return workflow;
    },
    { twice: false },
  );
  expect(report).toMatchObject({ problems: [], operations: 10 });
});

it("crashes where it is told to", async () => {
  const report = await crashTest(sequential, {
    points: ["after"],
    operations: ({ verb, writes }) => verb === "create" && writes === "step",
    every: 2,
    twice: false,
  });
  expect(report).toMatchObject({ problems: [], operations: 10, crashes: 2, rivals: 2 });
});

it("gives the counts as a text", async () => {
  const report = await crashTest(sequential, { twice: false });
  expect(String(report)).toBe("10 operations, 26 crashes, 4 rivals, no problems");
});

it("closes every storage that it made", async () => {
  let open = 0;
  class Counted extends StorageMemory {
    async close(): Promise<void> {
      open--;
    }
  }
  const storage = (): Storage => {
    open++;
    return new Counted();
  };
  await crashTest(sequential, { storage, twice: false });
  expect(open).toBe(0);
});

describe("a workflow that can't be tested", () => {
  const make = (options: DotFlowOptions) => {
    const workflow = new DotFlow(options);
    workflow.task.add(a);
    return workflow;
  };

  it("is refused when it ignores the storage", async () => {
    await expect(crashTest(() => make({ workflowId: "deaf" }))).rejects.toThrow("did not use its storage");
  });

  it("is refused when its id is another one each time", async () => {
    await expect(crashTest((storage) => make({ storage }))).rejects.toThrow("nothing could be resumed");
  });

  it("is refused when it can't run at all", async () => {
    await expect(crashTest((storage) => new DotFlow({ workflowId: "empty", storage }))).rejects.toThrow(
      /without a crash.*has no tasks/,
    );
  });

  it("is refused when nothing of it would be crashed", async () => {
    await expect(crashTest(sequential, { points: [] })).rejects.toThrow("Give one or more of: before, within, after");
    await expect(crashTest(sequential, { operations: () => false })).rejects.toThrow("nothing to crash");
  });

  it("is refused a step size that is none", async () => {
    await expect(crashTest(sequential, { every: 0 })).rejects.toThrow("whole number");
  });
});

describe("a wrong workflow", () => {
  it("is found when two runs end differently", async () => {
    let calls = 0;
    const counts = action(async function counts() {
      return ++calls;
    });
    const report = await crashTest((storage) => {
      const workflow = new DotFlow({ workflowId: "counting", storage });
      workflow.task.add(counts);
      return workflow;
    });
    expect(report.crashes).toBe(0);
    expect(report.problems).toEqual([
      {
        kind: "different result",
        strikes: [],
        text: expect.stringMatching(/Two runs without a crash.*the value of "counts" is 2 instead of 1\./),
      },
    ]);
    expect(String(report)).toMatch(/problems: 1\n1\. different result, without a crash: /);
  });

  it("is found when a step remembers in its process what it should have been handed", async () => {
    const report = await crashTest((storage) => {
      let rows = 0;
      const workflow = new DotFlow({ workflowId: "forgetful", storage });
      workflow.task.add(
        action(async function extract() {
          rows = 3;
        }),
      );
      workflow.task.add(
        action(async function load() {
          return rows;
        }),
      );
      return workflow;
    });
    expect(report.problems.length).toBeGreaterThan(0);
    expect(new Set(report.problems.map(({ kind }) => kind))).toEqual(new Set(["different result"]));
    expect(String(report)).toMatch(
      /start 1 crashed after operation 5 \(create forgetful\/.*\/extract\): the value of "load" is 0 instead of 3\./,
    );
  });

  it("is taken as sound where the difference does not count", async () => {
    let calls = 0;
    const counts = action(async function counts() {
      return ++calls;
    });
    const report = await crashTest(
      (storage) => {
        const workflow = new DotFlow({ workflowId: "counting", storage });
        workflow.task.add(counts);
        return workflow;
      },
      { compare: (expected, actual) => expected.status === actual.status },
    );
    expect(report.problems).toEqual([]);
    expect(report.crashes).toBeGreaterThan(0);
  });
});
