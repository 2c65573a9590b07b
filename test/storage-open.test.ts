// `openStorage`: an address gives the storage it names, on a real server, and nothing that is wrong with it is passed over.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { action, DotFlow, type Storage } from "dotflow";
import { StorageFile } from "dotflow/storage/file";
import { openStorage } from "dotflow/storage/open";
import { placeKinds } from "./places.ts";
import { makeContainer } from "./places/azure.ts";
import { gcsBucket } from "./servers/gcs.ts";
import { bucket, credentials } from "./servers/r2.ts";
import { sharedServer } from "./servers/shared.ts";

const folder = mkdtempSync(join(tmpdir(), "dotflow-open-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

/** How each kind is addressed, for something that nobody uses yet. */
const addresses: Record<string, () => string | Promise<string>> = {
  memory: () => "memory:",
  file: () => pathToFileURL(join(folder, "store")).href,
  sqlite: () => `sqlite:${join(folder, "etl.db")}?table=etl`,
  async s3() {
    vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey);
    const endpoint = encodeURIComponent(await sharedServer("r2"));
    return `s3://${bucket}/team/${randomUUID()}?region=auto&endpoint=${endpoint}`;
  },
  gcs: async () => `gs://${gcsBucket}/${randomUUID()}?apiEndpoint=${encodeURIComponent(await sharedServer("gcs"))}`,
  async azure() {
    const { connectionString, container } = await makeContainer(await sharedServer("azurite"));
    vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", connectionString);
    return `az://${container}/etl`;
  },
  postgres: async () => `${await sharedServer("postgres")}?schema=s${randomUUID()}&table=etl`,
  redis: async () => `${await sharedServer("redis")}?prefix=${randomUUID()}:`,
};

async function runOver(storage: Storage): Promise<unknown> {
  const workflow = new DotFlow({ workflowId: "job", storage });
  workflow.task.add(action({ name: "step" }, () => "done"));
  const { status, restored } = await workflow.start({ resume: true });
  await storage.close?.();
  return { status, restored };
}

describe.each(Object.keys(placeKinds))("an address of %s", (name) => {
  const missing = placeKinds[name]?.missing?.();
  it.skipIf(missing)(`opens it, and opens the same place again${missing ? `, skipped: ${missing}` : ""}`, async () => {
    const address = (await addresses[name]?.()) ?? "";
    expect(await runOver(openStorage(address))).toEqual({ status: "completed", restored: 0 });
    const restored = name === "memory" ? 0 : 1;
    expect(await runOver(openStorage(address))).toEqual({ status: "completed", restored });
  });
});

it("takes paths from the working directory, and absolute ones", () => {
  for (const address of ["file:.dotflow", "FILE:.dotflow"]) {
    expect((openStorage(address) as StorageFile).folder).toBe(join(process.cwd(), ".dotflow"));
  }
  for (const address of [`file:${folder}`, `file://${folder}`])
    expect((openStorage(address) as StorageFile).folder).toBe(folder);
});

it.each([
  ["", "has no scheme"],
  [".dotflow", "has no scheme"],
  ["s4://bucket/x", 'has the scheme "s4:", which is not known'],
  ["postgress://user:hunter2@host/db", 'has the scheme "postgress:", which is not known'],
  ["redis//:hunter2@host", "has no scheme"],
  ["file://server/share", "file:///"],
  ["file:", "folder of StorageFile is empty"],
  ["s3://", "has no bucket"],
  ["s3:bucket/x", "has no bucket"],
  ["s3://hunter2:hunter2@bucket/x", "has no bucket"],
  ["s3://bucket/x?rejion=eu", 'unknown parameter "rejion"'],
  ["s3://bucket/x?forcePathStyle=yes", "must be true or false"],
  ["s3://bucket/100%", "a % in its path that is not encoded: write %25"],
  ["s3://bucket/a#b", "has a # in it: write %23"],
  ["gs:///prefix", "has no bucket"],
  ["gs://:hunter2@bucket", "has no bucket"],
  ["gs://bucket?region=eu", 'unknown parameter "region"'],
  ["az:///prefix", "has no container"],
  ["az://container/x?key=hunter2", 'unknown parameter "key"'],
  ["sqlite:etl.db?mode=ro", 'unknown parameter "mode"'],
  ["postgres://user:hun/ter2#@host:x/db", "must be encoded"],
  ["redis://host/db", "number of a database"],
  ["redis://:hunter2@host?timeout=5", "something behind its path"],
])("refuses %j", (address, message) => {
  vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true");
  const open = (): unknown => openStorage(address);
  expect(open).toThrow(TypeError);
  expect(open).toThrow(message);
  expect(String(thrownBy(open))).not.toContain("hunter2");
});

it("says what is missing where there is nothing to log in with", () => {
  vi.stubEnv("AZURE_STORAGE_CONNECTION_STRING", undefined);
  expect(() => openStorage("az://container/x")).toThrow("AZURE_STORAGE_CONNECTION_STRING");
  expect(() => openStorage(undefined as never)).toThrow(TypeError);
});

function thrownBy(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
