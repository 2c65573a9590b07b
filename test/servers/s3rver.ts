// s3rver: a store for tests that ignores conditional writes, as many do. It has to be refused.
import { createRequire } from "node:module";
import { bucket } from "./r2.ts";
import type { ServerRecipe } from "./server.ts";

const require = createRequire(import.meta.url);

export const s3rver: ServerRecipe = {
  name: "s3rver",
  missing: () => undefined,
  command: (folder, port) => ({
    file: process.execPath,
    args: [
      require.resolve("s3rver/bin/s3rver.js"),
      ...["--directory", folder, "--address", "127.0.0.1", "--port", String(port), "--configure-bucket", bucket],
    ],
  }),
  address: (port) => `http://127.0.0.1:${port}`,
};

/** Whom s3rver knows. */
export const s3rverCredentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
