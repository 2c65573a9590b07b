// The storage contract over StorageMemory. It lives in one process, so the checks that need several have nothing to check.
import { expect, it } from "vitest";
import { StorageMemory } from "dotflow/storage/memory";
import { storageContract } from "dotflow/testing";

for (const check of storageContract({ open: () => new StorageMemory() }).filter(({ skip }) => !skip)) {
  it(`${check.theme}: ${check.name}`, async () => {
    await expect(check.run()).resolves.toBeUndefined();
  });
}
