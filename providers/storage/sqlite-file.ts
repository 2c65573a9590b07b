// The file of a database as the file system sees it: its folder and mode, which disk it is on, whether it is still the same one.
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** The magic numbers of Linux for file systems that other machines can share. */
const networks = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x00c36400, "Ceph"],
]);

/** Makes the folder of `file`, open to its owner only, and refuses one on which SQLite can't keep its promises. */
export function prepareFolder(file: string): void {
  const folder = dirname(file);
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first !== undefined)
    for (let made = folder; made.length >= first.length; made = dirname(made)) syncFolderOf(made);
  const network = process.platform === "linux" ? networks.get(statfsSync(folder).type) : undefined;
  if (network === undefined) return;
  throw new Error(
    `StorageSqlite can't keep ${JSON.stringify(file)} on ${network}: processes share a file by memory of one machine. Use a disk of this machine, or StorageFile, StorageS3 or StoragePostgres.`,
  );
}

/** Opens a file by `open`. One that this makes is for its owner only, as are then those that SQLite lays beside it. */
export function openPrivately<Database>(file: string, open: (file: string) => Database): Database {
  const isNew = !existsSync(file);
  const database = open(file);
  // Never opened and closed by ourselves: closing it would take the locks away that SQLite has on it in this process.
  if (isNew) chmodSync(file, 0o600);
  return database;
}

/** Tells one file from another one of the same name; `undefined` where there is none. Throws where that can't be seen. */
export function identityOf(file: string): string | undefined {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.dev}-${stats.ino}`;
}

/** The name of a new folder survives a crash of the machine once the folder above is synced. SQLite sees to its own files. */
function syncFolderOf(made: string): void {
  if (process.platform === "win32") return;
  const folder = openSync(dirname(made), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
