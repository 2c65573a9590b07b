// Runs the whole storage contract over StorageRedis in a process that lacks a package, and sends what came of each check.
import { randomUUID } from "node:crypto";
import { StorageRedis } from "dotflow/storage/redis";
import { storageContract } from "dotflow/testing";

export interface ContractReport {
  readonly name: string;
  readonly error?: string;
  readonly skip?: string | undefined;
}

const [url = "", hook = ""] = process.argv.slice(2);

const checks = storageContract({
  open: () => new StorageRedis({ url, prefix: `contract-${randomUUID()}:` }).connect(),
  reopen: (storage) => new StorageRedis({ url, prefix: prefixOf(storage) }).connect(),
  processes: {
    module: new URL("../contract/open-redis.ts", import.meta.url),
    place: (storage) => JSON.stringify({ kind: "own", url, prefix: prefixOf(storage) }),
    execArgv: ["--import", "tsx", "--import", hook],
  },
});

await import("redis").then(
  () => Promise.reject(new Error("The package redis is there after all.")),
  () => {},
);

const reports: ContractReport[] = [];
for (const check of checks) {
  const name = `${check.theme}: ${check.name}`;
  const error = await check.run().then(
    () => undefined,
    (reason: unknown) => String(reason),
  );
  reports.push({ name, skip: check.skip, ...(error !== undefined && { error }) });
}
process.send?.(reports, () => process.disconnect());

function prefixOf(storage: unknown): string {
  if (storage instanceof StorageRedis) return storage.prefix;
  throw new TypeError("not a StorageRedis");
}
