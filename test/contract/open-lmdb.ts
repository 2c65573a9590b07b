// Opens StorageLmdb in the child processes of the contract.
import { StorageLmdb } from "../../examples/own-storage/storage-lmdb.ts";

export default (path: string): StorageLmdb => new StorageLmdb(path);
