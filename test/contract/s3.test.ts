// The storage contract over StorageS3 with real processes: on a local R2, and on Ceph where it is installed.
import { beforeAll, describe, expect, it } from "vitest";
import type { Storage } from "dotflow";
import { storageContract } from "dotflow/testing";
import { ceph } from "../places/ceph.ts";
import type { PlaceKind } from "../places/kind.ts";
import { s3 } from "../places/s3.ts";

over("R2", s3);
over("Ceph", ceph);

function over(server: string, kind: PlaceKind): void {
  const missing = kind.missing?.();
  describe.skipIf(missing)(`StorageS3 on ${server}${missing === undefined ? "" : `, skipped: ${missing}`}`, () => {
    const places = new WeakMap<Storage, string>();
    const openAt = (place: string): Storage => {
      const storage = kind.open(place);
      places.set(storage, place);
      return storage;
    };
    const placeOf = (storage: Storage): string => places.get(storage) ?? "";
    const checks = storageContract({
      open: async () => openAt(await kind.make()),
      reopen: (storage) => openAt(placeOf(storage)),
      processes: {
        module: new URL("./open-place.ts", import.meta.url),
        // The place says which server it is.
        place: (storage) => JSON.stringify(["s3", placeOf(storage)]),
        execArgv: ["--import", "tsx"],
      },
    });

    // The server starts now, not within the first check.
    beforeAll(() => kind.make(), 120_000);

    it.each(checks)("$theme: $name", { timeout: 120_000 }, async (check) => {
      await expect(check.run()).resolves.toBeUndefined();
    });

    it("skips nothing", () => {
      expect(checks.filter(({ skip }) => skip)).toEqual([]);
    });
  });
}
