// The storage contract over StorageGCS, with real processes and the real client.
import { beforeAll, expect, it } from "vitest";
import type { Storage } from "dotflow";
import { storageContract } from "dotflow/testing";
import { gcs } from "../places/gcs.ts";

const places = new WeakMap<Storage, string>();

const checks = storageContract({
  open: async () => openAt(await gcs.make()),
  reopen: (storage) => openAt(placeOf(storage)),
  processes: {
    module: new URL("./open-place.ts", import.meta.url),
    place: (storage) => JSON.stringify(["gcs", placeOf(storage)]),
    execArgv: ["--import", "tsx"],
  },
});

// The server starts now, not within the first check.
beforeAll(() => gcs.make(), 60_000);

it.each(checks)("$theme: $name", { timeout: 120_000 }, async (check) => {
  await expect(check.run()).resolves.toBeUndefined();
});

it("skips nothing", () => {
  expect(checks.filter(({ skip }) => skip)).toEqual([]);
});

function openAt(place: string): Storage {
  const storage = gcs.open(place);
  places.set(storage, place);
  return storage;
}

function placeOf(storage: Storage): string {
  const place = places.get(storage);
  if (place === undefined) throw new TypeError("not a storage of this test");
  return place;
}
