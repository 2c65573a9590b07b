// Holds a lock on a file as another program would: told an SQL statement, it executes it and sends "done".
import { loadDriver } from "../../providers/storage/sqlite-driver.ts";

const [file = ""] = process.argv.slice(2);
const database = (await loadDriver())(file);

process.on("message", (sql: string) => {
  if (/^SELECT/i.test(sql)) database.prepare(sql).all();
  else database.exec(sql);
  process.send?.("done");
});
process.send?.("ready");
