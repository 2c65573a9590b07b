// Opens StorageFile in the child processes of the contract.
import { StorageFile } from "dotflow/storage/file";

export default (folder: string): StorageFile => new StorageFile({ folder });
