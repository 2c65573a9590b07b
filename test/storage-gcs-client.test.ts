// How StorageGCS comes by its client: the package, one that was handed in, and that nothing keeps the process alive.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Storage as Client } from "@google-cloud/storage";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { action, DotFlow } from "dotflow";
import { type GCSClientLike, StorageGCS } from "dotflow/storage/gcs";
import { gcs, gcsBucket, setGcsFaults } from "./servers/gcs.ts";
import { type Server, startServer } from "./servers/server.ts";
import { keysOf } from "./storages.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const value = new TextEncoder().encode("value");

let server: Server;
let prefix: string;

beforeAll(async () => {
  server = await startServer(gcs);
}, 60_000);
beforeEach(async () => {
  prefix = randomUUID();
  await setGcsFaults(server.address);
});
afterAll(() => server.stop());

describe("the package @google-cloud/storage", () => {
  const without = new URL("children/without-packages.mjs", import.meta.url).href;
  const evaluate = async (program: string, ...flags: string[]): Promise<string> => {
    const args = ["--import", "tsx", ...flags, "--input-type=module", "--eval", program];
    const env = { ...process.env, WITHOUT_PACKAGES: "@google-cloud/storage" };
    return (await run(process.execPath, args, { cwd: root, env })).stdout.trim();
  };

  it("is named with the command that installs it where it is missing", async () => {
    const program = `
      import { StorageGCS } from "dotflow/storage/gcs";
      const storage = new StorageGCS({ bucket: "checkpoints" });
      const calls = [storage.get("a"), storage.put("a", new Uint8Array()), storage.create("a", new Uint8Array()), storage.delete("a"),
        (async () => { for await (const key of storage.list("")) console.log(key); })()];
      for (const { reason } of await Promise.allSettled(calls)) console.log(reason.code, reason.message);`;
    const line =
      "MISSING_PACKAGE StorageGCS needs the package @google-cloud/storage, which is not installed: npm install @google-cloud/storage";
    expect(await evaluate(program, "--import", without)).toBe(Array(5).fill(line).join("\n"));
  });

  it("is not loaded before the first call", async () => {
    const program = `
      import { StorageGCS } from "dotflow/storage/gcs";
      new StorageGCS({ bucket: "checkpoints" });
      console.log("made");`;
    expect(await evaluate(program, "--import", without)).toBe("made");
  });
});

describe("a client that was handed in", () => {
  it("is used as it is, by several storages", async () => {
    const client = new Client({ apiEndpoint: server.address, projectId: "test", retryOptions: { autoRetry: false } });
    // A real client fits the type without a cast.
    const given: GCSClientLike = client;
    const storages = [0, 1].map(() => new StorageGCS({ bucket: gcsBucket, prefix, client: given }));
    for (const storage of storages) await storage.put("job/a", value);
    for (const storage of storages) expect(await storage.get("job/a")).toEqual(value);
    expect(await client.bucket(gcsBucket).file(`${prefix}/job/a`).exists()).toEqual([true]);
  });

  it("may have its own retries: a create whose answer was lost is refused then, and the run knows its record", async () => {
    const client = new Client({ apiEndpoint: server.address, projectId: "test" });
    const storage = new StorageGCS({ bucket: gcsBucket, prefix, client });
    await setGcsFaults(server.address, { dropAnswers: 1 });
    expect(await storage.create("other/a", value)).toBe(false);
    expect(await storage.get("other/a")).toEqual(value);
    let calls = 0;
    const workflow = new DotFlow({ workflowId: "job", storage });
    workflow.task.add(
      action(async function step() {
        calls++;
        await setGcsFaults(server.address, { dropAnswers: 1 });
      }),
    );
    expect(await workflow.start()).toMatchObject({ status: "completed", succeeded: 1 });
    expect(calls).toBe(1);
    expect((await keysOf(storage, "job/")).filter((key) => key.includes("/steps/"))).toHaveLength(1);
  });
});

describe("a process that used StorageGCS", () => {
  it("ends by itself, with nothing closed", async () => {
    const program = fileURLToPath(new URL("./children/storage-gcs-run.ts", import.meta.url));
    const place = JSON.stringify({ bucket: gcsBucket, prefix, apiEndpoint: server.address });
    const { stdout } = await run(process.execPath, ["--import", "tsx", program, place], { timeout: 25_000 });
    expect(stdout).toBe("completed");
  });
});
