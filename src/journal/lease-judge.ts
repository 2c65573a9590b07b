// What a lease that lies in the storage means for a process that wants to drive. Pure, but for the look at /proc.
import { limits } from "../defaults.ts";
import { livenessOf } from "./identity.ts";
import type { LeaseBody } from "./lease-body.ts";

/**
 * `free`: its owner is certainly gone. `stale`: it was silent for so long that it may be taken over, but it may yet wake up.
 * `live`: its owner certainly lives. `watch`: only time can tell.
 */
export type Verdict = "free" | "stale" | "live" | "watch";

export function judge(body: LeaseBody, heldHere: boolean, now: number): Verdict {
  if (body.released) return "free";
  const age = now - body.renewed;
  switch (livenessOf(body.owner)) {
    case "this process":
      return heldHere ? "live" : "free";
    case "dead":
      return "free";
    case "alive":
      // One clock for both: a process that lives but no longer renews is stopped or stuck, and is watched like any other.
      return age <= limits.contenderMargin * body.lease ? "live" : "watch";
    case "unknown":
      return age > body.lease + limits.clockDifference ? "stale" : "watch";
  }
}
