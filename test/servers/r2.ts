// Local R2 as an S3 server. It comes from npm, so it is never missing.
import { fileURLToPath } from "node:url";
import type { ServerRecipe } from "./server.ts";

/** The bucket that is there; R2 makes none on demand, so tests keep apart by prefixes. */
export const bucket = "checkpoints";

/** Whom the S3 servers of the tests know. */
export const credentials = { accessKeyId: "AKIDTEST", secretAccessKey: "secret" };

const path = "/cdn-cgi/local/r2/s3";

export const r2: ServerRecipe = {
  name: "r2",
  missing: () => undefined,
  command: (folder, port) => ({
    file: process.execPath,
    args: [fileURLToPath(new URL("r2-server.mjs", import.meta.url)), String(port), folder, bucket],
    // What a killed server leaves behind goes with its folder.
    env: { TMPDIR: folder },
  }),
  ready: answers,
  address: (port) => `http://127.0.0.1:${port}${path}`,
};

/** The port is open some moments before the buckets are there. */
async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}/${bucket}?list-type=2`);
    return response.status >= 400 && response.status < 500;
  } catch {
    return false;
  }
}
