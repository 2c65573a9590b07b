// Guarantee 3: a small run whose third step failed, damaged in every way, then looked at and resumed.
import { describe, expect, it } from "vitest";
import { DotFlow, type DotFlowOptions, isDotFlowError, type Storage } from "dotflow";
import { contentsOf, eachStorage, fill, keysOf } from "../storages.ts";
import { Notebook } from "./notebook.ts";

const values: Record<string, unknown> = {
  first: { text: "first", list: [1, 2, 3] },
  second: { text: "second", date: new Date(0) },
  third: "third, after second of first",
};
const ids = Object.keys(values);

type Protection = [name: string, options: Partial<DotFlowOptions>];
const protections: readonly [Protection, Protection, Protection, Protection] = [
  ["a checksum", {}],
  ["a secret", { secret: "a secret of the test" }],
  ["encryption", { encryptionKey: "0123456789abcdef".repeat(4) }],
  ["a secret, encryption and gzip", { secret: "another", encryptionKey: Buffer.alloc(32, 7), compression: "gzip" }],
];

describe("3. Any byte of any stored object flipped, cut or swapped with another's: a typed error or a re-run, never a different value", () => {
  eachStorage((name, open) => {
    // What bytes mean is decided above the storage: on those that are slower, some of them will do.
    const everything = name === "memory";
    const stride = everything ? 1 : 29 * open.every;
    const [plain, , , full] = protections;

    describe.each(everything ? [plain, full] : [plain])("protected by %s", (_, protection) => {
      it("flipped at any byte", { timeout: 120_000 }, async () => {
        const { objects, seen, tryWith } = await runToDamage(open(), protection);
        for (const [key, bytes] of objects) {
          for (let at = 0; at < bytes.length; at += stride) {
            const flipped = Uint8Array.from(bytes);
            flipped[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
            await tryWith(`byte ${at} of ${key}`, [[key, flipped]]);
          }
        }
        expect(seen.refused).toBeGreaterThan(0);
        // A flipped line end makes a torn object of it.
        if (everything) expect(seen.repeated).toBeGreaterThan(0);
      });

      it("cut at any length, or made longer", { timeout: 120_000 }, async () => {
        const { objects, seen, tryWith } = await runToDamage(open(), protection);
        for (const [key, bytes] of objects) {
          for (let length = 0; length < bytes.length; length += stride) {
            await tryWith(`${key} cut to ${length}`, [[key, bytes.slice(0, length)]]);
          }
          for (const more of open.some(["\n", "0", "\n\n{}", Buffer.from(bytes).toString("latin1")])) {
            await tryWith(`${key} made longer`, [[key, Buffer.concat([bytes, Buffer.from(more, "latin1")])]]);
          }
        }
        expect(seen.refused).toBeGreaterThan(0);
        expect(seen.repeated).toBeGreaterThan(0);
      });

      it(
        "swapped with any other object, of this run, another run or another workflow",
        { timeout: 120_000 },
        async () => {
          const storage = open();
          for (const workflowId of ["job", "neighbour"]) {
            await steps({ workflowId, storage, ...protection }, { fails: false, suffix: " of long ago" }).start();
          }
          const { objects, seen, tryWith } = await runToDamage(storage, protection);
          const own = [...objects].filter(([key]) => key.startsWith("job/"));
          for (const [key, bytes] of own) {
            for (const [otherKey, otherBytes] of everything ? objects : open.some(own)) {
              if (key === otherKey) continue;
              await tryWith(`${key} replaced by ${otherKey}`, [[key, otherBytes]]);
              if (key < otherKey)
                await tryWith(`${key} swapped with ${otherKey}`, [
                  [key, otherBytes],
                  [otherKey, bytes],
                ]);
            }
          }
          expect(seen.refused).toBeGreaterThan(0);
        },
      );
    });

    it("cut in a run that newer runs refer to: its task runs once more, and then never again", async () => {
      const storage = open();
      const notes = new Notebook();
      const workflow = steps({ workflowId: "job", storage }, { fails: false, notes });
      await workflow.start();
      const { runId } = await workflow.start({ resume: true, from: "third" });
      const [key = ""] = (await keysOf(storage, "job/")).filter(
        (each) => each.endsWith("/steps/second") && !each.includes(runId),
      );
      await storage.put(key, ((await storage.get(key)) ?? new Uint8Array()).slice(0, -1));
      notes.called();
      for (const called of [["second", "third"], ["third"]]) {
        const result = await workflow.start({ resume: true, from: "third" });
        expect(await result.output()).toEqual(values["third"]);
        expect(notes.called()).toEqual(called);
      }
    });

    it.each(open.some(protections.slice(1)))(
      "written without %s: refused by who uses it, and the other way round",
      async (_, protection) => {
        const storage = open();
        await steps({ workflowId: "job", storage }, { fails: true }).start();
        const plainly = await contentsOf(storage);
        await expectRefused(storage, protection);
        await fill(storage, new Map());
        await steps({ workflowId: "job", storage, ...protection }, { fails: true }).start();
        await expectRefused(storage, {});
        await expectRefused(storage, { ...protection, secret: "not this one" });
        await expectRefused(storage, { secret: protection.secret, encryptionKey: Buffer.alloc(32, 1) });
        // Records that somebody wrote who does not know the secret, beside those of somebody who does.
        for (const [key, bytes] of plainly) if (key.includes("/steps/")) await storage.put(key, bytes);
        expect(await keysOf(storage)).toEqual(
          expect.arrayContaining([...plainly.keys()].filter((key) => key.includes("/steps/"))),
        );
        const result = await steps({ workflowId: "job", storage, ...protection }, { fails: false }).start({
          resume: true,
        });
        expect(await result.output()).toEqual(values["third"]);
      },
    );
  });
});

interface StepsOptions {
  readonly fails: boolean;
  readonly suffix?: string;
  readonly notes?: Notebook;
}

function steps(options: DotFlowOptions, { fails, suffix = "", notes = new Notebook() }: StepsOptions): DotFlow {
  const workflow = new DotFlow(options);
  workflow.task.add(notes.step("first", () => ({ ...(values["first"] as object), ...(suffix && { suffix }) })));
  workflow.task.add(notes.step("second", () => ({ ...(values["second"] as object), ...(suffix && { suffix }) })));
  const third = notes.step("third", (previous) => {
    if (fails) throw new Error("third fails");
    return `third, after ${(previous as { text: string }).text} of first${suffix}`;
  });
  workflow.task.add(third);
  return workflow;
}

/** Makes a run whose last step failed, and gives what is stored, and a function that damages it. */
async function runToDamage(storage: Storage, protection: Partial<DotFlowOptions>) {
  const options = { workflowId: "job", storage, ...protection };
  expect(await steps(options, { fails: true }).start()).toMatchObject({ status: "failed", succeeded: 2 });
  const objects = await contentsOf(storage);
  const seen = { refused: 0, repeated: 0 };

  /** Replaces objects, looks at all there is, and resumes. Then the storage is as before. */
  const tryWith = async (what: string, replaced: readonly [key: string, bytes: Uint8Array][]): Promise<void> => {
    for (const [key, bytes] of replaced) await storage.put(key, bytes);
    const { checkpoints } = steps(options, { fails: false });
    for (const id of ["first", "second"]) {
      await look(what, async () => expect((await checkpoints.read(id)).storage, what).toEqual(values[id]));
    }
    const completed = await look(what, async () => (await checkpoints.info()).completed);
    expect([["first", "second"], [], undefined], what).toContainEqual(completed);
    await look(what, () => checkpoints.steps());
    await look(what, () => checkpoints.runs());
    expect(await checkpoints.verify(), what).not.toEqual([]);

    const notes = new Notebook();
    const resumed = await look(what, () => steps(options, { fails: false, notes }).start({ resume: true }));
    if (resumed) {
      expect(resumed.status, what).toBe("completed");
      for (const id of ids) {
        await look(what, async () => expect((await resumed.context(id)).storage, what).toEqual(values[id]));
      }
      if (notes.called().length > 1) seen.repeated++;
    } else {
      seen.refused++;
      // It was refused, not spoilt: with the right bytes back in their place all goes well.
      for (const [key] of replaced) await storage.put(key, objects.get(key) ?? new Uint8Array());
      const repaired = await steps(options, { fails: false }).start({ resume: true });
      expect(await repaired.output(), what).toEqual(values["third"]);
    }
    await fill(storage, objects);
  };
  return { objects, seen, tryWith };
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

async function expectRefused(storage: Storage, protection: Partial<DotFlowOptions>): Promise<void> {
  const notes = new Notebook();
  const workflow = steps({ workflowId: "job", storage, ...protection }, { fails: false, notes });
  await expect(workflow.start({ resume: true })).rejects.toMatchObject({ code: "CORRUPT_CHECKPOINT" });
  expect(notes.called()).toEqual([]);
}
