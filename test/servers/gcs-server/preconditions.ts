// The conditions in the query of a request: whether the object that is there may be read or changed.
import { conditionNotMet, Refusal } from "./answer.ts";
import type { StoredObject } from "./objects.ts";

/** An object that is not there has generation 0. Throws 412; for a read that finds nothing new 304. */
export function requireConditions(query: URLSearchParams, object: StoredObject | undefined, reads = false): void {
  for (const [field, version] of [
    ["Generation", object?.generation ?? "0"],
    ["Metageneration", object?.metageneration ?? "0"],
  ]) {
    const match = query.get(`if${field}Match`);
    if (match !== null && match !== version) throw conditionNotMet();
    const notMatch = query.get(`if${field}NotMatch`);
    if (notMatch !== null && notMatch === version)
      throw reads ? new Refusal(304, "notModified", "") : conditionNotMet();
  }
}
