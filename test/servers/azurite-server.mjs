// Runs Azurite so that it keeps what it acknowledged, as the real service does. By itself it answers first and saves every
// five seconds: a kill costs it all blobs of that time. Here each change is in a log before its answer goes out, and the
// log takes the place of its saved files. The arguments are those of azurite-blob.
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

keepLog(require("azurite/dist/src/blob/persistence/LokiBlobMetadataStore.js").default);
keepLog(require("azurite/dist/src/common/persistence/LokiExtentMetadataStore.js").default);
require("azurite/dist/src/blob/main.js");

function keepLog(Store) {
  const { init } = Store.prototype;
  Store.prototype.init = async function initFromLog() {
    rmSync(this.lokiDBPath, { force: true });
    await init.call(this);
    const path = `${this.lokiDBPath}.log`;
    const documents = existsSync(path) ? replay(readFileSync(path, "utf8")) : [];
    const log = openSync(`${path}.next`, "w");
    for (const collection of this.db.collections) logChanges(collection, log);
    for (const { name, document } of documents) this.db.getCollection(name).insert(document);
    renameSync(`${path}.next`, path);
    process.on("exit", () => closeSync(log));
  };
}

function logChanges(collection, log) {
  for (const event of ["insert", "update", "delete"])
    collection.on(event, (document) =>
      writeSync(log, `${JSON.stringify({ name: collection.name, event, document })}\n`),
    );
}

/** The documents that are left in the end. A kill may have cut the last line, whose change was not acknowledged. */
function replay(text) {
  const documents = new Map();
  for (const line of text.split("\n").slice(0, -1)) {
    const { name, event, document } = JSON.parse(line);
    const { $loki: id, meta: _, ...rest } = document;
    if (event === "delete") documents.delete(`${name} ${id}`);
    else documents.set(`${name} ${id}`, { name, document: rest });
  }
  return documents.values();
}
