// What StorageGCS keeps when its server dies, stands still, loses answers or refuses in the middle of a run.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Storage as Client } from "@google-cloud/storage";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DotFlow, type RunResult, type Storage } from "dotflow";
import { StorageGCS } from "dotflow/storage/gcs";
import { Notebook } from "./guarantees/notebook.ts";
import { countGcsRequests, gcs, gcsBucket, setGcsFaults } from "./servers/gcs.ts";
import { type Proxy, startProxy } from "./servers/proxy.ts";
import { type Server, startServer } from "./servers/server.ts";
import { keysOf } from "./storages.ts";

let server: Server;
let proxy: Proxy;
let prefix: string;
/** By way of the proxy. */
let storage: StorageGCS;
/** Past the proxy. */
let direct: StorageGCS;
const notes = new Notebook();

beforeAll(async () => {
  server = await startServer(gcs);
}, 60_000);
beforeEach(async () => {
  proxy = await startProxy(server.port);
  prefix = randomUUID();
  storage = new StorageGCS({ bucket: gcsBucket, prefix, apiEndpoint: `http://127.0.0.1:${proxy.port}` });
  direct = new StorageGCS({ bucket: gcsBucket, prefix, apiEndpoint: server.address });
});
afterEach(async () => {
  notes.called();
  server.resume();
  await setGcsFaults(server.address);
  await proxy.stop();
});
afterAll(() => server.stop());

/** Five steps; `inThird` is what the third one does. */
function workflowOver(over: Storage, inThird: () => unknown = () => {}): DotFlow {
  const workflow = new DotFlow({ workflowId: "job", storage: over });
  for (const id of all)
    workflow.task.add(
      notes.step(id, async (previous) => {
        if (id === "c") await inThird();
        return `${id}(${String(previous)})`;
      }),
    );
  return workflow;
}
const all = ["a", "b", "c", "d", "e"];
const output = "e(d(c(b(a(null)))))";

async function expectCompleted(start: Promise<RunResult>, called: string[]): Promise<void> {
  const result = await start;
  expect([result.status, await result.output()]).toEqual(["completed", output]);
  expect(notes.called()).toEqual(called);
}

/** Each step has one record, all of them are whole, and a resume calls nothing. */
async function expectComplete(): Promise<void> {
  const workflow = workflowOver(direct);
  const again = await workflow.start({ resume: "required" });
  expect(again).toMatchObject({ status: "completed", restored: all.length, succeeded: 0 });
  expect(await again.output()).toBe(output);
  expect(notes.called()).toEqual([]);
  expect(await workflow.checkpoints.verify()).toEqual([]);
  const records = (await keysOf(direct, "job/")).filter((key) => key.includes("/steps/"));
  expect(records).toHaveLength(all.length);
}

describe("a run over StorageGCS", { timeout: 60_000 }, () => {
  it("completes when the server is killed and started again within a step", async () => {
    const restart = async (): Promise<void> => {
      await server.kill();
      await server.start();
    };
    await expectCompleted(workflowOver(storage, restart).start(), all);
    await expectComplete();
  });

  it("is resumed after the server was gone for good, and no completed step is called again", async () => {
    await expect(workflowOver(storage, () => server.kill()).start()).rejects.toMatchObject({
      code: "STORAGE",
      retryable: true,
      message: expect.stringMatching(/^The storage could not create ".*\/steps\/c" after 5 attempts: /),
    });
    expect(notes.called()).toEqual(["a", "b", "c"]);
    await server.start();
    await expectCompleted(workflowOver(storage).start({ resume: true }), ["c", "d", "e"]);
    await expectComplete();
  });

  it.each([2_000, 11_500])("completes when the server stands still for %i milliseconds", async (time) => {
    // The longer time is more than a request may take: what the server does when it goes on is done a second time.
    const stand = (): void => {
      server.pause();
      void sleep(time).then(() => server.resume());
    };
    await expectCompleted(workflowOver(storage, stand).start(), all);
    await expectComplete();
  });

  it("completes when its connections are cut", async () => {
    await expectCompleted(workflowOver(storage, () => proxy.cut()).start(), all);
    await expectComplete();
  });

  it.each([1, 4])("knows its own record when %i answers to its create were lost", async (count) => {
    await expectCompleted(workflowOver(storage, () => proxy.dropAnswers(count)).start(), all);
    expect(proxy.dropped).toBe(count);
    await expectComplete();
  });

  it("knows its own record when its create was done and answered with 503", async () => {
    const refuse = { status: 503, reason: "backendError", count: 2, applied: true };
    await expectCompleted(workflowOver(storage, () => setGcsFaults(server.address, { refuse })).start(), all);
    await expectComplete();
  });

  it("ends with a typed error when all answers are lost, and finds the record that it did not know of", async () => {
    const start = workflowOver(storage, () => proxy.dropAnswers(1_000)).start();
    await expect(start).rejects.toMatchObject({ code: "STORAGE", retryable: true });
    expect(notes.called()).toEqual(["a", "b", "c"]);
    proxy.dropAnswers(0);
    await expectCompleted(workflowOver(storage).start({ resume: true }), ["d", "e"]);
    await expectComplete();
  });

  it("reads again what was damaged on its way, or stopped in the middle", async () => {
    const fail = (): never => {
      throw new Error("not today");
    };
    await workflowOver(storage, fail).start();
    notes.called();
    await setGcsFaults(server.address, { corrupt: 2, stall: 1 });
    await expectCompleted(workflowOver(storage).start({ resume: true }), ["c", "d", "e"]);
    await expectComplete();
  });

  it("ends with a typed error when the bucket is removed, and makes none anew", async () => {
    const bucket = new Client({ apiEndpoint: server.address, projectId: "test" }).bucket(`bucket-${randomUUID()}`);
    await bucket.create();
    const remove = async (): Promise<void> => {
      await bucket.deleteFiles();
      await bucket.delete();
    };
    const over = new StorageGCS({ bucket: bucket.name, apiEndpoint: server.address });
    await expect(workflowOver(over, remove).start()).rejects.toMatchObject({
      code: "STORAGE",
      retryable: false,
      message: expect.stringContaining(`There is no bucket "${bucket.name}". Create it, or correct the option bucket`),
    });
    expect(notes.called()).toEqual(["a", "b", "c"]);
    expect(await bucket.exists()).toEqual([false]);
  });

  it("stays within one change of a name per second", async () => {
    await setGcsFaults(server.address, { limitMutations: true });
    await expectCompleted(workflowOver(storage).start(), all);
    // Only the lease was changed a second time: it came too soon once at least, and was released all the same.
    const { insert = 0 } = await countGcsRequests(server.address);
    expect(insert).toBeGreaterThan(all.length + 4);
    expect((await workflowOver(direct).checkpoints.info()).owner).toBeUndefined();
    await expectComplete();
  });
});

describe("a name that is changed too fast", () => {
  const old = new TextEncoder().encode("old");
  const value = new TextEncoder().encode("value");
  const tooFast = (count: number): Promise<void> =>
    setGcsFaults(server.address, { refuse: { status: 429, reason: "rateLimitExceeded", count } });

  it("is changed about a second later", async () => {
    await setGcsFaults(server.address, { limitMutations: true });
    for (const bytes of [old, value]) await direct.put("job/a", bytes);
    expect(await direct.get("job/a")).toEqual(value);
    expect(await direct.create("job/a", old)).toBe(false);
    await direct.delete("job/a");
    expect(await direct.get("job/a")).toBeUndefined();
    expect(await direct.create("job/a", old)).toBe(true);
  });

  it("fails after some tries, as one that may pass", async () => {
    await direct.put("job/a", old);
    await tooFast(4);
    await expect(direct.put("job/a", value)).rejects.toMatchObject({
      code: 429,
      reason: "rateLimitExceeded",
      retryable: true,
    });
    expect(await countGcsRequests(server.address)).toEqual({ insert: 4 });
    expect(await direct.get("job/a")).toEqual(old);
  });

  it("keeps no other name waiting, with all of its requests pausing", async () => {
    await tooFast(64);
    const paused = Promise.all(Array.from({ length: 64 }, (_, index) => direct.put(`job/${index}`, value)));
    while ((await countGcsRequests(server.address))["insert"] !== 64);
    await direct.put("job/other", value);
    expect((await countGcsRequests(server.address))["insert"]).toBe(65);
    await paused;
  });
});

describe("a server that is killed amid writes", () => {
  it("has all that was acknowledged, whole", async () => {
    const acknowledged: string[] = [];
    const bytesOf = (key: string): Uint8Array => new TextEncoder().encode(key.repeat(50));
    for (const kill of [1, 2]) {
      const before = acknowledged.length;
      const writers = ["a", "b", "c", "d"].map(async (lane) => {
        for (let number = 0; ; number++) {
          const key = `kill-${kill}/${lane}-${number}`;
          if (!(await storage.create(key, bytesOf(key)))) throw new Error(`${key} was there before.`);
          acknowledged.push(key);
          if (acknowledged.length === before + 40) void server.kill();
        }
      });
      for (const { status } of await Promise.allSettled(writers)) expect(status).toBe("rejected");
      await server.start();
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(80);
    expect(await keysOf(storage)).toEqual(expect.arrayContaining(acknowledged));
    for (const key of acknowledged) expect(await storage.get(key)).toEqual(bytesOf(key));
  });
});
