// The entry `dotflow/storage/memory`. The class lives in the core, which uses it where no storage is given.
export { StorageMemory } from "../../src/storage-memory.ts";
