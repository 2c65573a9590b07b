// The program of a child process of the contract: opens the storage and does what the suite orders until it is killed.
import type { Storage } from "../src/storage.ts";
import { labelled } from "./contract/bytes.ts";
import type { Acknowledged, NumberedOrder, OpenStorage, Order, Report } from "./contract/orders.ts";
import { stormLabel, stormSizes } from "./contract/orders.ts";
import { race } from "./contract/rivals.ts";

const [module = "", place = ""] = process.argv.slice(2);

void main();

async function main(): Promise<void> {
  const { default: open } = (await import(module)) as { default?: OpenStorage };
  if (typeof open !== "function")
    throw new TypeError(`The default export of ${module} is no function. Export (place) => storage.`);
  const storage = await open(place);
  process.on("disconnect", () => process.exit());
  process.on("message", ({ number, order }: NumberedOrder) => {
    obey(storage, order).then(
      (answer) => report({ number, answer }),
      (error: unknown) => report({ number, error: String(error) }),
    );
  });
  report({ ready: true });
}

async function obey(storage: Storage, order: Order): Promise<unknown> {
  switch (order.do) {
    case "race":
      return race([storage], order.key, order.names);
    case "write":
      return storage[order.verb](order.key, labelled(order.label, order.size));
    case "write and die":
      await storage[order.verb](order.key, labelled(order.label, order.size));
      process.kill(process.pid, "SIGKILL");
      return undefined;
    case "storm":
      return Promise.all(stormSizes.map((size, lane) => blow(storage, `${order.prefix}${lane}`, size, lane)));
  }
}

/** One lane of a storm: by turns replaces one key and creates a new one, for ever. Every other lane begins with the second. */
async function blow(storage: Storage, folder: string, size: number, lane: number): Promise<never> {
  const verbs = lane % 2 === 0 ? (["put", "create"] as const) : (["create", "put"] as const);
  for (let sequence = 1; ; sequence++) {
    for (const verb of verbs) {
      const key = verb === "put" ? `${folder}/replaced` : `${folder}/created-${sequence}`;
      await storage[verb](key, labelled(stormLabel(key, sequence), size));
      await acknowledge({ verb, key, sequence });
    }
  }
}

/** Waits until the pipe has taken the report: a storage without I/O would otherwise never give way to it. */
function acknowledge(acknowledged: Acknowledged): Promise<void> {
  return new Promise((resolve) => process.send?.({ acknowledged } satisfies Report, () => resolve()));
}

function report(message: Report): void {
  process.send?.(message);
}
