// What a user of the contract hands in.
import type { Storage } from "../../src/storage.ts";

export interface StorageContractOptions {
  /** Makes a storage over a new, empty place. Called once per check. Every storage is closed by the suite. */
  open: () => Storage | Promise<Storage>;
  /**
   * Makes a second storage over the same place as `storage`, as another process would open it. `storage` may be closed
   * by then. Without it the checks that need a second one use the first twice, and find fewer mistakes.
   */
  reopen?: (storage: Storage) => Storage | Promise<Storage>;
  /** For the checks that need several processes. Without it they are skipped, and say so. */
  processes?: ContractProcesses;
  /** Frees what `open` made, such as a folder. Called when the storages of a check are closed. */
  cleanUp?: (storage: Storage) => void | Promise<void>;
  /** The largest value to try, in bytes; a megabyte is always tried. @default 33554432 (32 MB) */
  largest?: number;
}

export interface ContractProcesses {
  /** A module, as a file URL or an absolute path, whose default export is `(place: string) => Storage | Promise<Storage>`. */
  module: string | URL;
  /** Where `storage` keeps its values, as a text that the module understands in another process. */
  place: (storage: Storage) => string;
  /** Flags of Node for the child processes, such as `["--import", "tsx"]`. @default those of this process */
  execArgv?: readonly string[];
}
