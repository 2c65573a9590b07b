// What a run over StorageS3 keeps when its server is killed, stopped, cut off or full, or when answers are lost: on R2, and
// on Ceph where it is installed. Each has a server of its own, behind a proxy.
import { execFileSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, type TestContext } from "vitest";
import { action, DotFlow, isDotFlowError, type RunResult, type Storage } from "dotflow";
import { type S3ClientLike, StorageS3 } from "dotflow/storage/s3";
import { ceph } from "./servers/ceph.ts";
import { type Proxy, startProxy } from "./servers/proxy.ts";
import { bucket, credentials, r2 } from "./servers/r2.ts";
import { type Server, type ServerRecipe, startServer } from "./servers/server.ts";
import { keysOf } from "./storages.ts";

const steps = [0, 1, 2, 3, 4];

over("R2", r2, "auto", [3, 12]);
// A busy machine can leave Ceph hanging for minutes after a longer stop.
over("Ceph", ceph, "us-east-1", [3]);

function over(name: string, recipe: ServerRecipe, region: string, stops: readonly number[]): void {
  const missing = recipe.missing();
  describe.skipIf(missing)(`a run over ${name}${missing === undefined ? "" : `, skipped: ${missing}`}`, () => {
    let server: Server;
    let proxy: Proxy;
    let endpoint: string;
    let prefix: string;

    beforeAll(async () => {
      server = await startServer(recipe);
      proxy = await startProxy(server.port);
      endpoint = server.address.replace(String(server.port), String(proxy.port));
    }, 120_000);

    afterAll(async () => {
      await proxy?.stop();
      await server?.stop();
    });

    beforeEach(() => {
      prefix = randomUUID();
    });

    const open = (): StorageS3 => new StorageS3({ bucket, prefix, endpoint, region, credentials });

    function clientOfTest(maxAttempts: number): S3Client {
      const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials, maxAttempts });
      onTestFinished(() => client.destroy());
      return client;
    }

    it("is resumed after its server was killed, and calls no completed step again", { timeout: 120_000 }, async () => {
      for (const fatal of [0, 2, 4]) {
        prefix = randomUUID();
        const pipeline = new Pipeline(open(), async (step) => {
          if (step === fatal && pipeline.calls[step] === 1) await server.kill();
        });
        await expect(pipeline.start()).rejects.toSatisfy((error) => isDotFlowError(error, "STORAGE"));
        await server.start();
        await expectCompleted(pipeline, open());
        // What the step gave within which the server died could not be saved.
        expect(pipeline.calls).toEqual(steps.map((step) => (step === fatal ? 2 : 1)));
      }
    });

    it.each(stops)(
      "goes on by itself when its server was stopped for %i seconds",
      { timeout: 60_000 },
      async (seconds) => {
        const pipeline = new Pipeline(open(), async (step) => {
          if (step !== 2) return;
          server.pause();
          setTimeout(() => server.resume(), seconds * 1_000);
        });
        await expectCompleted(pipeline, open());
        expect(pipeline.calls).toEqual([1, 1, 1, 1, 1]);
      },
    );

    it("goes on by itself when connections are cut while it writes", { timeout: 60_000 }, async () => {
      const pipeline = new Pipeline(open(), async () => void setTimeout(() => proxy.cut(), 3));
      await expectCompleted(pipeline, open());
      expect(pipeline.calls).toEqual([1, 1, 1, 1, 1]);
    });

    it("goes on by itself when an answer is lost, whichever it is", { timeout: 120_000 }, async () => {
      let all = Number.POSITIVE_INFINITY;
      for (let lost = 0; lost < all; lost++) {
        prefix = randomUUID();
        const dropped = proxy.dropped;
        let requests = 0;
        const real: S3ClientLike = clientOfTest(1);
        // A client of its own has a check of its own, so that the check is among what is lost.
        const client: S3ClientLike = {
          send(command, options) {
            if (requests++ === lost) proxy.dropAnswers(1);
            return real.send(command, options);
          },
        };
        const pipeline = new Pipeline(new StorageS3({ bucket, prefix, client }));
        await expectCompleted(pipeline, open());
        expect(pipeline.calls).toEqual([1, 1, 1, 1, 1]);
        expect(proxy.dropped).toBe(dropped + 1);
        all = Math.min(all, requests);
      }
      expect(all).toBeGreaterThan(steps.length + 4 + 3);
    });

    it(
      "takes its own success for its own when a client that was handed in repeats the create",
      { timeout: 60_000 },
      async () => {
        const dropped = proxy.dropped;
        const pipeline = new Pipeline(new StorageS3({ bucket, prefix, client: clientOfTest(3) }), async () =>
          proxy.dropAnswers(1),
        );
        await expectCompleted(pipeline, open());
        expect(pipeline.calls).toEqual([1, 1, 1, 1, 1]);
        expect(proxy.dropped).toBe(dropped + steps.length);
      },
    );

    it("is not taken for one without conditions when such a client repeats the create of the check", async () => {
      const storage = new StorageS3({ bucket, prefix, client: clientOfTest(3) });
      proxy.dropAnswers(1);
      expect(await storage.create("job/a", randomBytes(10))).toBe(true);
      expect(await keysOf(storage)).toEqual(["job/a"]);
    });

    it("has one winner among 64 that create a record while answers are lost", async () => {
      const storages: Storage[] = Array.from({ length: 4 }, open);
      await Promise.all(storages.map((storage) => storage.put("race/warm", randomBytes(10))));
      proxy.dropAnswers(8);
      const results = await Promise.allSettled(
        Array.from({ length: 64 }, async (_, rival) => storages[rival % 4]?.create("race/a", new Uint8Array([rival]))),
      );
      const told = results.flatMap((result, rival) => (result.status === "fulfilled" && result.value ? rival : []));
      const kept = (await open().get("race/a"))?.[0];
      expect(results.some(({ status }) => status === "rejected")).toBe(true);
      expect(kept).toBeDefined();
      // Whoever was told that it won is the one; the winner's own answer can be among those that were lost.
      expect([[], [kept]]).toContainEqual(told);
    });
  });
}

describe("a run over a store that is full", () => {
  it("fails with a StorageError, and is resumed when there is room", { timeout: 120_000 }, async (test) => {
    const server = await startServer({ ...r2, prepare: (folder) => mountDisk(test, folder, "12m") });
    onTestFinished(async () => {
      await server.kill();
      // Its child processes may still be ending.
      execFileSync("umount", ["--lazy", server.folder]);
      await server.stop();
    });
    const storage = new StorageS3({ bucket, endpoint: server.address, region: "auto", credentials });
    const pipeline = new Pipeline(storage, async () => {}, 3_000_000);
    const error: unknown = await pipeline.start().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "STORAGE" });
    const completed = pipeline.calls.lastIndexOf(1);
    expect(completed).toBeGreaterThan(0);
    execFileSync("mount", ["-o", "remount,size=200m", server.folder]);
    await expectCompleted(pipeline, storage);
    expect(pipeline.calls).toEqual(steps.map((step) => (step === completed ? 2 : 1)));
  });

  function mountDisk(test: TestContext, folder: string, size: string): void {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], { stdio: "pipe" });
    } catch (error) {
      const why = `NOT TESTED: a small disk can't be mounted here (root on Linux is needed): ${(error as Error).message}`;
      console.warn(`${test.task.name}: ${why}`);
      test.skip(why);
    }
  }
});

/** Five steps that follow each other, each adding its number; they count their calls. */
class Pipeline {
  readonly calls = steps.map(() => 0);
  readonly #workflow: DotFlow;

  /** `within` is done by each step before it ends; `padding` are bytes that its value has on top. */
  constructor(storage: Storage, within: (step: number) => Promise<void> = async () => {}, padding = 0) {
    this.#workflow = new DotFlow({ workflowId: "pipeline", storage });
    for (const step of steps)
      this.#workflow.task.add(
        action({ name: `step-${step}` }, async (previous: { storage: { sum: number } | null }) => {
          this.calls[step] = (this.calls[step] ?? 0) + 1;
          await within(step);
          return { sum: (previous.storage?.sum ?? 0) + step, padding: randomBytes(padding).toString("base64") };
        }),
      );
  }

  start(): Promise<RunResult> {
    return this.#workflow.start({ resume: true });
  }
}

/** Starts it, and looks at its result and, through `reader`, at its records: one for each step. */
async function expectCompleted(pipeline: Pipeline, reader: Storage): Promise<void> {
  const result = await pipeline.start();
  expect(result.status).toBe("completed");
  expect(await result.output()).toMatchObject({ sum: 10 });
  const records = (await keysOf(reader)).filter((key) => key.includes("/steps/"));
  const names = records.map((key) => key.slice(key.lastIndexOf("/") + 1));
  expect(new Set(names)).toEqual(new Set(steps.map((step) => `step-${step}`)));
  expect(names).toHaveLength(steps.length);
}
