// Guarantee 3 over everything that a run with all of it stores: iterations, items, what was done once, progress, waits,
// signals, snapshots, batches, and a workflow within.
import { describe, expect, it } from "vitest";
import { Checkpoints, type DotFlow, isDotFlowError, type RunResult, type Storage, StorageMemory } from "dotflow";
import { contentsOf, fill } from "../storages.ts";
import { everything, type EverythingOptions, workflowId } from "./everything.ts";
import { Ledger } from "./ledger.ts";

/** Of the bytes of an object, every such one is flipped, and every such length is cut to. */
const stride = 47;
const variants: readonly (readonly [name: string, options: Partial<EverythingOptions>])[] = [
  ["records of their own", {}],
  ["records in batches", { checkpoint: { everySteps: 4 } }],
];

describe.each(variants)(
  "any stored object damaged, with %s: a typed error or a re-run, never a different value",
  (_, options) => {
    it("a byte flipped, or cut short", { timeout: 120_000 }, async () => {
      const { objects, seen, tryWith } = await runToDamage(options);
      for (const [key, bytes] of objects) {
        // The places differ from object to object, so that all parts of them have their turn.
        for (let at = key.length % stride; at < bytes.length; at += stride) {
          const flipped = Uint8Array.from(bytes);
          flipped[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
          await tryWith(`byte ${at} of ${key}`, [[key, flipped]]);
          await tryWith(`${key} cut to ${at}`, [[key, bytes.slice(0, at)]]);
        }
      }
      console.log(`${objects.size} objects: ${JSON.stringify(seen)}`);
      expect(seen.refused).toBeGreaterThan(0);
      expect(seen.completed).toBeGreaterThan(0);
    });

    it("swapped with another one, or gone", { timeout: 120_000 }, async () => {
      const { objects, seen, tryWith } = await runToDamage(options);
      const keys = [...objects.keys()];
      for (const [index, key] of keys.entries()) {
        for (const step of [1, 7]) {
          const other = keys[(index + step) % keys.length] ?? "";
          await tryWith(`${key} swapped with ${other}`, [
            [key, objects.get(other) ?? new Uint8Array()],
            [other, objects.get(key) ?? new Uint8Array()],
          ]);
        }
      }
      console.log(`${objects.size} objects: ${JSON.stringify(seen)}`);
      expect(seen.refused).toBeGreaterThan(0);
    });
  },
);

async function runToDamage(options: Partial<EverythingOptions>) {
  const storage = new StorageMemory();
  const make = (start: number, over: Storage = storage): DotFlow =>
    everything({ storage: over, ledger: new Ledger(storage), start, ...options });
  expect((await make(1).start()).status).toBe("suspended");
  // Sent once more, so that there is a signal that nobody has taken, and a snapshot from outside.
  await make(1).checkpoints.signal("go", { by: "a person" });
  await make(1).checkpoints.snapshot({ id: "outside" });
  const objects = await contentsOf(storage);
  const expected = await valuesOf(await make(2).start({ resume: true }));
  await fill(storage, objects);
  const seen = { completed: 0, refused: 0, failed: 0 };

  /** Replaces objects, looks at all there is, and resumes. Then the storage is as before. */
  const tryWith = async (what: string, replaced: readonly [key: string, bytes: Uint8Array][]): Promise<void> => {
    for (const [key, bytes] of replaced) await storage.put(key, bytes);
    const { checkpoints } = make(2);
    for (const id of ["prepare", "loop", "map", "pay", "child"])
      await look(what, async () => expect((await checkpoints.read(id)).storage, what).toEqual(expected[id]));
    await look(what, () => checkpoints.info());
    await look(what, () => checkpoints.steps());
    const snapshots = await look(what, () => checkpoints.snapshots());
    for (const { id, metadata } of snapshots ?? [])
      if (id !== "outside") expect(metadata, what).toEqual({ iteration: Number(id.slice(-1)) });
    const problems = await Promise.all(
      [workflowId, `${workflowId}.child`].map((id) => new Checkpoints(storage, { workflowId: id }).verify()),
    );
    expect(problems.flat(), what).not.toEqual([]);
    const result = await look(what, () => make(2).start({ resume: true }));
    if (!result) seen.refused++;
    else if (result.status === "completed") {
      seen.completed++;
      const values = await look(what, () => valuesOf(result));
      // Snapshots that can't be read are not listed.
      if (values) expect(values, what).toEqual(expected);
    } else {
      seen.failed++;
      const errors = result.tasks.flatMap((task) => task.errors);
      for (const error of errors) expect(failures, `${what}: ${String(error)}`).toContain(codeOf(error));
      expect(errors.length, what).toBeGreaterThan(0);
    }
    await fill(storage, objects);
  };
  return { objects, seen, tryWith };
}

/** How a task may fail for damage that only it came upon: a workflow within it, or a message that it lost. */
const failures = ["CORRUPT_CHECKPOINT", "UNSUPPORTED_FORMAT"];

function codeOf(error: unknown): string | undefined {
  return isDotFlowError(error) ? error.code : String(error);
}

async function valuesOf(result: RunResult): Promise<Record<string, unknown>> {
  const values = new Map(Object.entries(await result.contexts()).map(([id, { storage }]) => [id, storage]));
  const { snapshots: _, ...join } = values.get("join") as { snapshots: unknown };
  return Object.fromEntries(values.set("join", join));
}

/** Gives nothing where the damage was found; any other failure is one of the test. */
async function look<Found>(what: string, read: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!isDotFlowError(error)) throw error;
    const codes = ["CORRUPT_CHECKPOINT", "UNSUPPORTED_FORMAT", "NOTHING_TO_RESUME", "INVALID_WORKFLOW"];
    expect(codes, `${what}: ${error.message}`).toContain(error.code);
    return undefined;
  }
}
