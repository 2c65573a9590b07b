// Places of a test's own. Where the kind talks to a server, that is the test's own too, with a proxy in front of it: the
// workflow reaches its place through the proxy, and the test looks at it past it.
import type { Storage } from "dotflow";
import type { PlaceKind } from "../places.ts";
import { type Proxy, startProxy } from "../servers/proxy.ts";
import { type Server, startServer } from "../servers/server.ts";
import type { ServedKind } from "../storages.ts";

export interface Places {
  readonly proxy?: Proxy;
  make(): Promise<Place>;
  stop(): Promise<void>;
}

export interface ServedPlaces extends Places {
  readonly server: Server;
  readonly proxy: Proxy;
}

export interface Place {
  /** For a child process; it leads through the proxy. */
  readonly name: string;
  open(): Storage;
  openDirectly(): Storage;
  /** Closes what was opened, and removes the place. */
  leave(): Promise<void>;
}

export async function startPlaces(kind: PlaceKind): Promise<Places> {
  if (isServed(kind)) return startServedPlaces(kind);
  return {
    async make() {
      const name = await kind.make();
      return placeOf(kind, name, name);
    },
    async stop() {},
  };
}

export async function startServedPlaces(kind: ServedKind): Promise<ServedPlaces> {
  const server = await startServer(kind.server);
  const proxy = await startProxy(server.port);
  return {
    server,
    proxy,
    async make() {
      const name = await kind.make(kind.server.address(proxy.port, server.folder));
      const directly = name.replaceAll(`:${proxy.port}`, `:${server.port}`);
      if (directly === name) throw new Error(`The place ${name} does not lie on the server that it was to lie on.`);
      return placeOf(kind, name, directly);
    },
    async stop() {
      await proxy.stop();
      await server.stop();
    },
  };
}

function isServed(kind: PlaceKind): kind is ServedKind {
  return kind.server !== undefined;
}

function placeOf(kind: PlaceKind, name: string, directly: string): Place {
  const opened: Storage[] = [];
  const open = (place: string): Storage => {
    const storage = kind.open(place);
    opened.push(storage);
    return storage;
  };
  return {
    name,
    open: () => open(name),
    openDirectly: () => open(directly),
    async leave() {
      for (const storage of opened) await storage.close?.();
      await kind.remove(directly);
    },
  };
}
