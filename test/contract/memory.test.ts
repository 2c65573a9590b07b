// The storage contract over StorageMemory.
import { expect, it } from "vitest";
import { StorageMemory } from "dotflow/storage/memory";
import { storageContract } from "dotflow/testing";

for (const check of storageContract({ open: () => new StorageMemory() })) {
  it.skipIf(check.skip)(`${check.theme}: ${check.name}`, async () => {
    await expect(check.run()).resolves.toBeUndefined();
  });
}
