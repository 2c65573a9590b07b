// Preloaded with --import: @google-cloud/storage comes from the folder GCS_CLIENT, where another version of it is installed.
// Version 8 needs Node 22; so all tests over Cloud Storage run through it:
//
//   npm install --prefix "$GCS_CLIENT" @google-cloud/storage@8
//   NODE_OPTIONS="--import $PWD/test/children/other-gcs-client.mjs" npx -y -p node@24 -- \
//     node node_modules/vitest/vitest.mjs run --project main test/contract/gcs.test.ts test/storage-gcs
import { register } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.env.GCS_CLIENT;
if (!folder) throw new Error("GCS_CLIENT is not set. Give the folder where the other version is installed.");

// Vitest hands over the path of the file that it found by itself.
const hooks = `
  const parentURL = ${JSON.stringify(pathToFileURL(join(folder, "package.json")).href)};
  const name = "@google-cloud/storage";
  export async function resolve(specifier, context, next) {
    const isClient = specifier === name || specifier.endsWith("/node_modules/" + name + "/build/esm/src/index.js");
    return next(isClient ? name : specifier, isClient ? { ...context, parentURL } : context);
  }`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
