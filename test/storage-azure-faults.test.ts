// What StorageAzure keeps when its server dies, stands still or loses answers in the middle of a run, and when the container goes.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DotFlow, type Storage } from "dotflow";
import { StorageAzure } from "dotflow/storage/azure";
import { Notebook } from "./guarantees/notebook.ts";
import { type AzurePlace, containerOf, makeContainer } from "./places/azure.ts";
import { azurite } from "./servers/azurite.ts";
import { type Proxy, startProxy } from "./servers/proxy.ts";
import { type Server, startServer } from "./servers/server.ts";
import { keysOf } from "./storages.ts";

const missing = azurite.missing();

describe.skipIf(missing)(`StorageAzure${missing ? `, skipped: ${missing}` : ""}`, { timeout: 60_000 }, () => {
  let server: Server;
  let proxy: Proxy;
  let place: AzurePlace;
  /** By way of the proxy. */
  let storage: StorageAzure;
  const notes = new Notebook();

  beforeAll(async () => {
    server = await startServer(azurite);
  });
  beforeEach(async () => {
    proxy = await startProxy(server.port);
    place = await makeContainer(server.address);
    storage = new StorageAzure({ ...place, connectionString: azurite.address(proxy.port, server.folder) });
  });
  afterEach(async () => {
    notes.called();
    server.resume();
    await proxy.stop();
  });
  afterAll(() => server.stop());

  /** Five steps; `inThird` is what the third one does. */
  function workflowOver(over: Storage, inThird: () => void | Promise<void> = () => {}): DotFlow {
    const workflow = new DotFlow({ workflowId: "job", storage: over });
    for (const id of ["a", "b", "c", "d", "e"])
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

  /** Each step has one record, all of them are whole, and a resume calls nothing. */
  async function expectComplete(): Promise<void> {
    const direct = new StorageAzure(place);
    const workflow = workflowOver(direct);
    const again = await workflow.start({ resume: "required" });
    expect(again).toMatchObject({ status: "completed", restored: all.length, succeeded: 0 });
    expect(await again.output()).toBe(output);
    expect(notes.called()).toEqual([]);
    expect(await workflow.checkpoints.verify()).toEqual([]);
    const records = (await keysOf(direct, "job/")).filter((key) => key.includes("/steps/"));
    expect(records).toHaveLength(all.length);
  }

  it("completes a run whose server is killed and started again within a step", async () => {
    const result = await workflowOver(storage, async () => {
      await server.kill();
      await server.start();
    }).start();
    expect([result.status, await result.output()]).toEqual(["completed", output]);
    expect(notes.called()).toEqual(all);
    await expectComplete();
  });

  it("resumes a run whose server was gone for good, and calls no completed step again", async () => {
    const start = workflowOver(storage, () => server.kill()).start();
    await expect(start).rejects.toMatchObject({
      code: "STORAGE",
      retryable: true,
      message: expect.stringMatching(/^The storage could not create ".*\/steps\/c" after 5 attempts: /),
    });
    expect(notes.called()).toEqual(["a", "b", "c"]);
    await server.start();
    const result = await workflowOver(storage).start({ resume: true });
    expect([result.status, await result.output()]).toEqual(["completed", output]);
    expect(notes.called()).toEqual(["c", "d", "e"]);
    await expectComplete();
  });

  it("completes a run whose server stands still for two seconds", async () => {
    const result = await workflowOver(storage, () => {
      server.pause();
      void sleep(2_000).then(() => server.resume());
    }).start();
    expect([result.status, await result.output()]).toEqual(["completed", output]);
    expect(notes.called()).toEqual(all);
    await expectComplete();
  });

  it("gives up a request that the server holds, and sends it again", async () => {
    // Longer than a request may take: what the server does when it goes on is done a second time.
    const result = await workflowOver(storage, () => {
      server.pause();
      void sleep(11_500).then(() => server.resume());
    }).start();
    expect([result.status, await result.output()]).toEqual(["completed", output]);
    expect(notes.called()).toEqual(all);
    await expectComplete();
  });

  it("completes a run whose connections are cut", async () => {
    const result = await workflowOver(storage, () => proxy.cut()).start();
    expect([result.status, await result.output()]).toEqual(["completed", output]);
    expect(notes.called()).toEqual(all);
    await expectComplete();
  });

  it.each([1, 4])("knows its own record when %i answers to its create were lost", async (count) => {
    const result = await workflowOver(storage, () => proxy.dropAnswers(count)).start();
    expect(proxy.dropped).toBe(count);
    expect([result.status, await result.output()]).toEqual(["completed", output]);
    expect(notes.called()).toEqual(all);
    await expectComplete();
  });

  it("ends with a typed error when all answers are lost, and finds the record that it did not know of", async () => {
    const start = workflowOver(storage, () => proxy.dropAnswers(1_000)).start();
    await expect(start).rejects.toMatchObject({ code: "STORAGE", retryable: true });
    expect(notes.called()).toEqual(["a", "b", "c"]);
    proxy.dropAnswers(0);
    const result = await workflowOver(storage).start({ resume: true });
    expect([result.status, await result.output()]).toEqual(["completed", output]);
    expect(notes.called()).toEqual(["d", "e"]);
    await expectComplete();
  });

  it("ends with a typed error when the container is removed within a run, and makes none anew", async () => {
    const container = await containerOf(place);
    const start = workflowOver(storage, async () => void (await container.delete())).start();
    await expect(start).rejects.toMatchObject({
      code: "STORAGE",
      retryable: false,
      message: expect.stringContaining(`create it: az storage container create`),
      cause: { code: "ContainerNotFound" },
    });
    expect(notes.called()).toEqual(["a", "b", "c"]);
    expect(await container.exists()).toBe(false);
  });

  it("finds each acknowledged value after kills amid its writes, whole", async () => {
    const acknowledged: string[] = [];
    const value = (key: string): Uint8Array => Buffer.from(key.repeat(50));
    for (const kill of [1, 2]) {
      const before = acknowledged.length;
      const writers = ["a", "b", "c", "d"].map(async (lane) => {
        for (let number = 0; ; number++) {
          const key = `kill-${kill}/${lane}-${number}`;
          if (!(await storage.create(key, value(key)))) throw new Error(`${key} was there before.`);
          acknowledged.push(key);
          if (acknowledged.length === before + 40) void server.kill();
        }
      });
      for (const { status } of await Promise.allSettled(writers)) expect(status).toBe("rejected");
      await server.start();
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(80);
    const listed = new Set(await keysOf(storage));
    for (const key of acknowledged) {
      expect(listed).toContain(key);
      expect(Buffer.compare((await storage.get(key)) ?? new Uint8Array(), value(key))).toBe(0);
    }
  });
});
