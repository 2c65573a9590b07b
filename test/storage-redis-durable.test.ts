// What a Redis server says of its durability, and what of that users get to see.
import { afterEach, describe, expect, it } from "vitest";
import { action, DotFlow, type WorkflowEvent } from "dotflow";
import type { StorageRedis } from "dotflow/storage/redis";
import { because, missing, password, sceneForAll } from "./redis-scene.ts";

describe.skipIf(missing)(`durable${because}`, () => {
  const scene = sceneForAll();

  afterEach(async () => {
    const usual = { appendonly: "yes", appendfsync: "always", "no-appendfsync-on-rewrite": "no" };
    for (const [name, text] of Object.entries({ ...usual, "maxmemory-policy": "noeviction" }))
      await scene.admin.config("SET", name, text);
  });

  it("is false until the server was asked, then what its configuration says", async () => {
    const storage = scene.open();
    expect([storage.durable, storage.durability]).toEqual([false, expect.stringContaining("not asked yet")]);
    expect(await storage.connect()).toBe(storage);
    expect(storage.durable).toBe(true);
    expect(storage.durability).toBe(
      "the server runs with appendonly yes, appendfsync always, no-appendfsync-on-rewrite no, maxmemory-policy noeviction",
    );
  });

  it.each([
    ["appendonly", "no", "a crash of the server may lose what it acknowledged; it takes appendonly yes"],
    ["appendfsync", "everysec", "a crash of the server may lose what it acknowledged; it takes appendfsync always"],
    ["no-appendfsync-on-rewrite", "yes", "may lose what it acknowledged; it takes no-appendfsync-on-rewrite no"],
    ["maxmemory-policy", "allkeys-lru", "may remove what was saved when its memory is full; it takes"],
  ])("is false with %s %s, and says why", async (name, text, why) => {
    await scene.admin.config("SET", name, text);
    const storage = scene.open();
    expect(await storage.get("job/a")).toBeUndefined();
    expect(storage.durable).toBe(false);
    expect(storage.durability).toContain(`the server runs with ${name} ${text}, so that`);
    expect(storage.durability).toContain(why);
  });

  it("is said in the warning of a resume, with why", async () => {
    await scene.admin.config("SET", "appendfsync", "everysec");
    expect(await warningsOfResume(scene.open())).toEqual([
      "This storage is not durable: the server runs with appendfsync everysec, so that a crash of the server may lose what it acknowledged; it takes appendfsync always.",
    ]);
    await scene.admin.config("SET", "appendfsync", "always");
    expect(await warningsOfResume(scene.open())).toEqual([]);
  });

  it("is read again with a new connection", async () => {
    const storage = await scene.open().connect();
    await scene.admin.config("SET", "appendonly", "no");
    expect(storage.durable).toBe(true);
    await scene.admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await expect.poll(async () => storage.get("job/a").then(() => storage.durable, String)).toBe(false);
  });

  it("is false where the server does not tell, and the option says what the user knows", async () => {
    await scene.admin.acl("SETUSER", "app", "on", `>${password}`, "~*", "+@all", "-config");
    const url = scene.server.address.replace("//", `//app:${password}@`);
    const silent = await scene.open({ url }).connect();
    expect([silent.durable, silent.durability]).toEqual([false, expect.stringContaining("with the option durable")]);
    const known = await scene.open({ url, durable: true }).connect();
    expect([known.durable, known.durability]).toEqual([true, "the option durable of StorageRedis says true"]);
    expect(await warningsOfResume(known)).toEqual([]);
    expect(scene.open({ durable: false }).durable).toBe(false);
    await scene.admin.acl("DELUSER", "app");
  });

  async function warningsOfResume(storage: StorageRedis): Promise<string[]> {
    const warnings: string[] = [];
    const onEvent = (event: WorkflowEvent): void => void (event.type === "warning" && warnings.push(event.message));
    const workflow = new DotFlow({ workflowId: "job", storage, observers: [{ onEvent }] });
    workflow.task.add(action(function step() {}));
    await workflow.start({ resume: true });
    return warnings;
  }
});
