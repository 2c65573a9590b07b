// All kinds of servers that tests talk to. A new one is added here.
import { azurite } from "./azurite.ts";
import { ceph } from "./ceph.ts";
import { gcs } from "./gcs.ts";
import { postgres } from "./postgres.ts";
import { r2 } from "./r2.ts";
import { redis } from "./redis.ts";
import type { ServerRecipe } from "./server.ts";

export const recipes: readonly ServerRecipe[] = [azurite, ceph, gcs, postgres, r2, redis];
