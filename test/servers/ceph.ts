// Ceph with its S3 gateway, as a second store beside R2: a real object store of several processes.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { missingProgram } from "./program.ts";
import { bucket, credentials } from "./r2.ts";
import { freePort, type ServerRecipe } from "./server.ts";

const programs = [
  ["radosgw", "radosgw"],
  ["ceph-mon", "ceph-mon"],
  ["ceph-osd", "ceph-osd"],
  ["ceph", "ceph-common"],
  ["uuidgen", "uuid-runtime"],
] as const;

/** The monitor needs a port of its own, which stays the same when the server is started again. */
const portFile = "monitor-port";

export const ceph: ServerRecipe = {
  name: "ceph",
  missing: () => programs.map(([name, packageName]) => missingProgram(name, packageName)).find(Boolean),
  prepare: async (folder) => writeFileSync(join(folder, portFile), String(await freePort())),
  command: (folder, port) => ({
    file: "bash",
    args: [
      fileURLToPath(new URL("ceph.sh", import.meta.url)),
      folder,
      String(port),
      readFileSync(join(folder, portFile), "utf8"),
    ],
  }),
  ready: hasBucket,
  address: (port) => `http://127.0.0.1:${port}`,
};

/** Makes the bucket, which also shows that all parts work together. */
async function hasBucket(port: number): Promise<boolean> {
  const client = new S3Client({
    endpoint: ceph.address(port, ""),
    region: "us-east-1",
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
    requestHandler: { requestTimeout: 5_000, throwOnRequestTimeout: true },
  });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    return true;
  } catch {
    return false;
  } finally {
    client.destroy();
  }
}
