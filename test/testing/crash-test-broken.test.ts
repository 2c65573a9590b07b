// crashTest on engines with a mistake: it finds each one, and calls it by its name.
import { afterEach, describe, expect, it, vi } from "vitest";
import { action, type Context, DotFlow, type Storage } from "dotflow";
import { type CrashProblemKind, crashTest, type CrashTestOptions } from "dotflow/testing";
import * as broken from "../broken-journals.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const steps = ["a", "b", "c"].map((name) =>
  action({ name }, async ({ storage }: Context) => ({ name, given: storage })),
);

function make(storage: Storage): DotFlow {
  const workflow = new DotFlow({ workflowId: "broken", storage });
  workflow.task.add(steps);
  return workflow;
}

async function kindsOf(options: CrashTestOptions = {}): Promise<Set<CrashProblemKind>> {
  const { problems } = await crashTest(make, { twice: false, ...options });
  return new Set(problems.map(({ kind }) => kind));
}

it("finds nothing before anything is broken", async () => {
  expect(await kindsOf()).toEqual(new Set());
});

describe("an engine", () => {
  it("that writes a record before the step has run", async () => {
    broken.recordBeforeTheStep();
    expect(await kindsOf()).toContain("recorded early");
  });

  it("that writes a record over the one that is there", async () => {
    broken.recordTwice();
    expect(await kindsOf()).toContain("record changed");
  });

  it("that removes a record before the run is over", async () => {
    broken.consumeRecords();
    expect(await kindsOf()).toContain("record changed");
  });

  it("that goes on before a record is written", async () => {
    broken.recordInTheBackground();
    expect(await kindsOf()).toContain("not recorded");
  });

  it("that runs completed steps again", async () => {
    broken.runEverythingAgain();
    expect(await kindsOf()).toEqual(new Set(["ran again"]));
  });

  it("that loses its progress at the second crash", async () => {
    broken.forgetAtTheSecondResume();
    expect(await kindsOf()).toEqual(new Set());
    expect(await kindsOf({ twice: true })).toEqual(new Set(["ran again"]));
  });

  it("that lets a write of a dead process, when it arrives late, replace the record of its successor", async () => {
    broken.putRecords();
    expect(await kindsOf()).toEqual(new Set());
    expect(await kindsOf({ twice: true })).toEqual(new Set(["record changed"]));
  });

  it("that lets two processes drive one run", async () => {
    broken.ignoreTheLease();
    expect(await kindsOf()).toEqual(new Set(["lease ignored"]));
  });

  it("that keeps its lease for ever", async () => {
    broken.keepTheLease();
    expect(await kindsOf()).toEqual(new Set(["not loadable"]));
  });

  it("that can't resume after a torn write, but only where the crash tears one", async () => {
    broken.refuseWhatIsTorn();
    expect(await kindsOf({ points: ["before", "after"] })).toEqual(new Set());
    expect(await kindsOf({ points: ["within"] })).toEqual(new Set(["not loadable"]));
  });
});
