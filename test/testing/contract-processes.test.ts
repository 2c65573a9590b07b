// The checks with several processes find what one process alone can't show.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { ContractProcesses, StorageContractOptions } from "dotflow/testing";
import { storageContract } from "dotflow/testing";
import type { Storage } from "../../src/storage.ts";
import * as files from "../broken-file-storages.ts";
import { SoundFiles } from "../broken-file-storages.ts";

const broken = { ...files };

const processes: ContractProcesses = {
  module: new URL("./open-broken-files.ts", import.meta.url),
  place: (storage) => `${storage.constructor.name}:${folderOf(storage)}`,
  execArgv: ["--import", "tsx"],
};

function options(Broken: typeof SoundFiles): StorageContractOptions {
  return {
    open: () => new Broken(mkdtempSync(join(tmpdir(), "dotflow-contract-"))),
    reopen: (storage) => new Broken(folderOf(storage)),
    cleanUp: (storage) => rmSync(folderOf(storage), { recursive: true }),
    processes,
  };
}

function folderOf(storage: Storage): string {
  if (storage instanceof SoundFiles) return storage.folder;
  throw new TypeError("not a storage over a folder");
}

it.each([
  ["LooksFirstInFiles", "atomicity: lets one of 64 rivals in 4 processes create a key"],
  ["WritesInPlace", "atomicity: shows a reader the old value or the new one during a put of another process"],
  ["WritesInPlace", "durability: keeps every key whole when a process is killed amid its writes"],
  ["ReservesTheName", "atomicity: shows a reader nothing or everything during a create of another process"],
  ["ReservesTheName", "durability: keeps every key whole when a process is killed amid its writes"],
  ["AnswersBeforeItWrites", "durability: keeps what a process wrote that was killed right after"],
  ["ListsItsTemporaryFiles", "durability: keeps every key whole when a process is killed amid its writes"],
] as const)("finds that %s with: %s", async (name, wanted) => {
  const check = storageContract(options(broken[name])).find((each) => `${each.theme}: ${each.name}` === wanted);
  expect(check, wanted).toBeDefined();
  await expect(check?.run()).rejects.toMatchObject({ name: "ContractViolation", check: check?.name });
});

const withProcesses = storageContract(options(SoundFiles)).filter(({ theme }) =>
  /^(atomicity|durability)$/.test(theme),
);

it.each(withProcesses)("finds nothing in the sound storage under all of these with: $theme: $name", async (check) => {
  expect(check.skip).toBeUndefined();
  await expect(check.run()).resolves.toBeUndefined();
});

it("says why a child process could not open the storage", async () => {
  const module = new URL("./contract-processes.test.ts", import.meta.url);
  const checks = storageContract({ ...options(SoundFiles), processes: { ...processes, module } });
  const check = checks.find(({ name }) => name.includes("during a put of another process"));
  await expect(check?.run()).rejects.toThrow(
    /a child process ended \(exit code 1\) before it was done[^]*contract-processes/,
  );
});

it("works in the built package, without a loader for TypeScript", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dotflow-contract-"));
  const built = (name: string): string => JSON.stringify(new URL(`../../dist/${name}`, import.meta.url).href);
  const module = join(folder, "open.mjs");
  writeFileSync(
    module,
    `import { StorageFile } from ${built("providers/storage/file.js")};
     export default (folder) => new StorageFile({ folder });`,
  );
  const script = `
    import open from ${JSON.stringify(pathToFileURL(module).href)};
    import { storageContract } from ${built("testing/index.js")};
    const checks = storageContract({
      open: () => open(${JSON.stringify(join(folder, "checkpoints"))}),
      processes: { module: ${JSON.stringify(module)}, place: (storage) => storage.folder, execArgv: [] },
    });
    await checks.find(({ name }) => name === "lets one of 64 rivals in 4 processes create a key").run();
    console.log("passed");`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  rmSync(folder, { recursive: true });
  expect(stdout).toBe("passed\n");
});
