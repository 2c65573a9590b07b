// How the Cloud Storage of the tests is started, and how a test tells it what is to go wrong.
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FaultSettings } from "./gcs-server/faults.ts";
import type { ServerRecipe } from "./server.ts";

/** The bucket that is there from the start. */
export const gcsBucket = "dotflow-test";

/** The login that its token service takes, and the token that it gives for it. */
export { gcsLogin, gcsToken } from "./gcs-server/token.ts";

export const gcs: ServerRecipe = {
  name: "gcs",
  missing: () => undefined,
  command: (folder, port) => ({
    file: process.execPath,
    args: ["--import", loader(), program, String(port), join(folder, "objects"), gcsBucket],
  }),
  address: (port) => `http://127.0.0.1:${port}`,
};

const program = fileURLToPath(new URL("./gcs-server/main.ts", import.meta.url));

/** The server runs in a folder of its own, from where the name tsx leads nowhere. */
function loader(): string {
  return createRequire(import.meta.url).resolve("tsx");
}

/** Sets what goes wrong from now on; what is left out goes well. Counting begins anew. */
export async function setGcsFaults(address: string, settings: FaultSettings = {}): Promise<void> {
  const response = await fetch(`${address}/faults`, { method: "PUT", body: JSON.stringify(settings) });
  if (!response.ok) throw new Error(await response.text());
}

/** How many requests of each kind came since the faults were set. */
export async function countGcsRequests(address: string): Promise<Record<string, number>> {
  return (await observed(address)).requests;
}

/** How many requests were under way at once at most since the faults were set. */
export async function mostGcsRequestsAtOnce(address: string): Promise<number> {
  return (await observed(address)).mostUnderway;
}

async function observed(address: string): Promise<{ requests: Record<string, number>; mostUnderway: number }> {
  const response = await fetch(`${address}/faults`);
  // Made by controlFaults of the server.
  return (await response.json()) as { requests: Record<string, number>; mostUnderway: number };
}
