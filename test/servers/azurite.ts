// How Azurite, the local Azure Blob Storage, is started.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ServerRecipe } from "./server.ts";

const program = fileURLToPath(new URL("azurite-server.mjs", import.meta.url));
const installed = new URL("../../node_modules/azurite/package.json", import.meta.url);

/** An account of the tests, which exists nowhere else. */
export const azuriteAccount = {
  name: "dotflowtests",
  key: Buffer.from("the key of an account that only tests know").toString("base64"),
};

/** `address` is a connection string. */
export const azurite: ServerRecipe = {
  name: "azurite",
  missing: () => (existsSync(installed) ? undefined : "azurite is missing: npm ci"),
  command: (folder, port) => ({
    file: process.execPath,
    args: [
      program,
      ...["--blobHost", "127.0.0.1", "--blobPort", String(port), "--location", folder],
      ...["--silent", "--disableTelemetry", "--skipApiVersionCheck"],
    ],
    env: { AZURITE_ACCOUNTS: `${azuriteAccount.name}:${azuriteAccount.key}` },
  }),
  address: (port) =>
    `DefaultEndpointsProtocol=http;AccountName=${azuriteAccount.name};AccountKey=${azuriteAccount.key};` +
    `BlobEndpoint=${azuriteEndpoint(port)};`,
};

export function azuriteEndpoint(port: number): string {
  return `http://127.0.0.1:${port}/${azuriteAccount.name}`;
}
