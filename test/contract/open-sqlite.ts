// Opens StorageSqlite in the child processes of the contract: over a file, or over an open database.
import { StorageSqlite } from "dotflow/storage/sqlite";
import { loadDriver } from "../../providers/storage/sqlite-driver.ts";

export default async (place: string): Promise<StorageSqlite> => {
  const [kind, file] = place.split(" ", 2) as [string, string];
  return kind === "handle" ? new StorageSqlite({ database: (await loadDriver())(file) }) : new StorageSqlite({ file });
};
