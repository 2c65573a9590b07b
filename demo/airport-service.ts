// A web service on this machine that gives the list of airports. Like real ones it is busy at times: at its first request.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface AirportService {
  readonly url: string;
  /** How many requests it had since it was last asked. */
  takeCount(): number;
  close(): void;
}

export async function startAirportService(): Promise<AirportService> {
  const airports = await readFile(new URL("../data/airports.csv", import.meta.resolve("vega-datasets")));
  let requests = 0;
  let busy = true;
  const server = createServer((_, answer) => {
    requests++;
    answer.writeHead(busy ? 503 : 200, { "content-type": "text/csv", connection: "close" });
    answer.end(busy ? "" : airports);
    busy = false;
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/airports.csv`,
    takeCount: () => {
      const count = requests;
      requests = 0;
      return count;
    },
    close: () => server.close(),
  };
}
