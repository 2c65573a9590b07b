// The storage contract over StorageAzure on Azurite, with real processes.
import { expect, it } from "vitest";
import type { Storage } from "dotflow";
import { storageContract } from "dotflow/testing";
import { azure } from "../places/azure.ts";

const places = new WeakMap<Storage, string>();

const checks = storageContract({
  open: async () => openAt(await azure.make()),
  reopen: (storage) => openAt(placeOf(storage)),
  cleanUp: (storage) => azure.remove(placeOf(storage)),
  processes: {
    module: new URL("./open-place.ts", import.meta.url),
    place: (storage) => JSON.stringify(["azure", placeOf(storage)]),
    execArgv: ["--import", "tsx"],
  },
});

it.each(checks)("$theme: $name", { timeout: 120_000 }, async (check) => {
  await expect(check.run()).resolves.toBeUndefined();
});

it("skips nothing", () => {
  expect(checks.filter(({ skip }) => skip)).toEqual([]);
});

function openAt(place: string): Storage {
  const storage = azure.open(place);
  places.set(storage, place);
  return storage;
}

function placeOf(storage: Storage): string {
  return places.get(storage) ?? "";
}
