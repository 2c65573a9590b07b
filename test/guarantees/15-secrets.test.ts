// Guarantee 15, its second half: secrets that are easy to recognise, looked for in everything that comes out of a workflow.
import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { Checkpoints, DotFlow, type DotFlowOptions, type Storage, type WorkflowEvent } from "dotflow";
import { faultyStorage } from "dotflow/testing";
import { contentsOf, eachStorage, keysOf } from "../storages.ts";
import { Notebook } from "./notebook.ts";

const secret = "SECRET-of-the-test-0123456789";
const encryptionKey = Buffer.from("ENCRYPTION-KEY-of-the-test-01234");
const options = { workflowId: "job", secret, encryptionKey } satisfies DotFlowOptions;

/** The secrets in every form in which they might be told. */
const traces = [secret, encryptionKey.toString()].flatMap((text) => {
  const bytes = Buffer.from(text);
  return [
    text,
    bytes.toString("hex"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    [...bytes].join(","),
    [...bytes].join(", "),
  ];
});

describe("15. Secrets appear in no log, error or event", () => {
  eachStorage((_name, open) => {
    it("not in what a run gives, tells, throws, stores or prints, whether it goes well or wrong", async () => {
      // An SDK may print something of its own when it is loaded.
      await keysOf(open());
      const printed: string[] = [];
      for (const stream of [process.stdout, process.stderr]) {
        vi.spyOn(stream, "write").mockImplementation((text) => printed.push(String(text)) > 0);
      }
      const told: unknown[] = [];
      try {
        await runAll(open(), told);
      } finally {
        vi.restoreAllMocks();
      }
      expect(told.length).toBeGreaterThan(40);
      for (const each of told) {
        const shown = inspect(each, { depth: 10, showHidden: true, maxArrayLength: null, maxStringLength: null });
        for (const text of [shown, textOf(each)]) for (const trace of traces) expect(text).not.toContain(trace);
      }
      expect(printed).toEqual([]);
      for (const [key, bytes] of await contentsOf(open())) {
        for (const trace of traces) expect(key + Buffer.from(bytes).toString("latin1")).not.toContain(trace);
      }
    });

    it("with an encryptionKey, neither values nor errors nor initial contexts can be read in what is stored", async () => {
      const workflow = new DotFlow({ ...options, storage: open() });
      const notes = new Notebook();
      workflow.task.add(
        notes.step("first", () => "VALUE-of-a-step"),
        { initialContext: "CONTEXT-of-a-task" },
      );
      workflow.task.add(
        notes.step("second", () => {
          throw Object.assign(new Error("MESSAGE-of-an-error"), { code: "CODE-of-an-error" });
        }),
      );
      const { status } = await workflow.start({ initialContext: "CONTEXT-of-the-run" });
      expect(status).toBe("failed");
      expect((await workflow.checkpoints.read("first")).storage).toBe("VALUE-of-a-step");
      for (const [key, bytes] of await contentsOf(open())) {
        expect(Buffer.from(bytes).toString("latin1"), key).not.toMatch(/(VALUE|CONTEXT|MESSAGE|CODE)-of/);
      }
    });

    it("not in the errors about options that hold them wrongly", () => {
      const wrong: Record<string, unknown>[] = [
        { encryptionKey: `${encryptionKey.toString()}, too long` },
        { encryptionKey: { key: encryptionKey.toString() } },
        { secret: { secret } },
        { secret: [secret] },
        { secret: "" },
        { compression: "gzip", sercet: secret },
        { storage: { secret } },
        { serializer: { secret } },
      ];
      for (const each of wrong) {
        let thrown: unknown;
        try {
          void new DotFlow({ workflowId: "job", ...each });
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toMatchObject({ code: "INVALID_WORKFLOW" });
        for (const trace of traces) expect(inspect(thrown, { depth: 10, showHidden: true })).not.toContain(trace);
      }
    });
  });
});

/** Runs that complete, fail, are refused, and meet a storage that fails; whatever can be seen of them goes to `told`. */
async function runAll(storage: Storage, told: unknown[]): Promise<void> {
  const observers = [{ onEvent: (event: WorkflowEvent) => void told.push(event) }];
  const build = (where: Storage, fails: boolean, more: Partial<DotFlowOptions> = {}): DotFlow => {
    const workflow = new DotFlow({ ...options, storage: where, observers, ...more });
    const notes = new Notebook();
    workflow.task.add(notes.step("first", (_, step) => void told.push(step)));
    const second = notes.step(
      "second",
      () => {
        if (fails) throw new Error("fails");
      },
      { retry: 2, retryDelay: 0 },
    );
    workflow.task.add(second, { callback: (result) => void told.push(result) });
    told.push(workflow, workflow.checkpoints, workflow.task);
    return workflow;
  };
  const attempt = async (workflow: DotFlow): Promise<void> => {
    try {
      const result = await workflow.start({ resume: true });
      told.push(result, await result.contexts(), await result.output().catch((error: unknown) => error));
    } catch (error) {
      told.push(error);
    }
  };
  await attempt(build(storage, true));
  const resumed = build(storage, false);
  await attempt(resumed);
  const handle = await resumed.start({ mode: "background" });
  told.push(handle, await handle.result());
  const { checkpoints } = resumed;
  told.push(
    await checkpoints.info(),
    await checkpoints.runs(),
    await checkpoints.steps(),
    await checkpoints.workflows(),
    await checkpoints.verify(),
  );
  // Refused: other secrets, none at all, records that were changed.
  await attempt(build(storage, false, { secret: `${secret}, but another` }));
  await attempt(build(storage, false, { secret: undefined, encryptionKey: undefined }));
  await attempt(build(storage, false, { encryptionKey: Buffer.alloc(32) }));
  told.push(await new Checkpoints(storage, { workflowId: "job", secret: "other" }).verify());
  for (const operation of ["create", "put", "get", "list"] as const) {
    await attempt(build(faultyStorage(storage, { faults: [{ operation, at: 2, kind: "fail" }] }), false));
  }
}

/** An error with its causes, as texts; anything else as JSON. */
function textOf(value: unknown): string {
  if (value instanceof Error) return `${value.name} ${value.message} ${value.stack} ${textOf(value.cause)}`;
  return JSON.stringify(value) ?? "";
}
