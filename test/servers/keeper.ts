// Keeps one server of each kind for a whole test run: started when a test first asks for it, ended with the run.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { recipes } from "./recipes.ts";
import { type Server, startServer } from "./server.ts";

/** Tells the tests where to ask. */
export const keeperVariable = "DOTFLOW_TEST_SERVERS";

const started = new Map<string, Promise<Server>>();

export async function setup(): Promise<() => Promise<void>> {
  for (const { name, missing } of recipes) {
    const reason = missing();
    if (reason !== undefined) console.warn(`\n>>> The tests over ${name} are SKIPPED. ${reason}\n`);
  }
  const keeper = createServer((request, response) => {
    // A kept connection that ends while it is asked again would fail a test.
    response.setHeader("connection", "close");
    serverOf((request.url ?? "").slice(1)).then(
      ({ address }) => response.end(address),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, "127.0.0.1");
  await once(keeper, "listening");
  process.env[keeperVariable] = `http://127.0.0.1:${(keeper.address() as AddressInfo).port}`;
  return async () => {
    keeper.close();
    await Promise.allSettled([...started.values()].map(async (server) => (await server).stop()));
  };
}

function serverOf(name: string): Promise<Server> {
  const running = started.get(name);
  if (running) return running;
  const recipe = recipes.find((each) => each.name === name);
  const server = recipe ? startServer(recipe) : Promise.reject(new Error(`There is no kind of server called ${name}.`));
  started.set(name, server);
  return server;
}
