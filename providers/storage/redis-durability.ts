// Reads from a Redis server's configuration whether what it acknowledges survives a crash, and says why.
import { replyCode } from "./redis-error.ts";
import { type Send, textOf } from "./redis-send.ts";

export interface Durability {
  readonly durable: boolean;
  /** Why, as a sentence without its full stop. */
  readonly text: string;
}

/** What a server has to run with, so that it answers a write only when the write is on its disk, and keeps it. */
const needed: Readonly<Record<string, string>> = {
  appendonly: "yes",
  appendfsync: "always",
  "no-appendfsync-on-rewrite": "no",
  "maxmemory-policy": "noeviction",
};

export const unread: Durability = {
  durable: false,
  text: "the server was not asked yet: its configuration is read with the first call, or by connect()",
};

export function stated(durable: boolean): Durability {
  return { durable, text: `the option durable of StorageRedis says ${durable}` };
}

/** Asks the server. Where it does not tell, it does not count as durable. */
export async function readDurability(send: Send): Promise<Durability> {
  try {
    const answers = await Promise.all(["*append*", "maxmemory-policy"].map((name) => send("CONFIG", "GET", name)));
    return judge(new Map(answers.flatMap(pairsOf)));
  } catch (error) {
    // Managed services take the command away, or the permission for it.
    if (!["ERR", "NOPERM"].includes(replyCode(error))) throw error;
    return {
      durable: false,
      text: "the server does not tell how it is configured (CONFIG GET is refused): say what you know of it with the option durable of StorageRedis",
    };
  }
}

function judge(config: ReadonlyMap<string, string>): Durability {
  const names = Object.keys(needed);
  const wrong = names.filter((name) => config.get(name) !== needed[name]);
  if (wrong.length === 0)
    return { durable: true, text: `the server runs with ${names.map((name) => `${name} ${needed[name]}`).join(", ")}` };
  const found = wrong.map((name) => `${name} ${config.get(name) ?? "unknown"}`).join(", ");
  const wanted = wrong.map((name) => `${name} ${needed[name]}`).join(", ");
  const lost = wrong.some((name) => name.includes("append"))
    ? "a crash of the server may lose what it acknowledged"
    : "the server may remove what was saved when its memory is full";
  return { durable: false, text: `the server runs with ${found}, so that ${lost}; it takes ${wanted}` };
}

/** The names and values of an answer: a list in which they take turns, or what the client made of it. */
function pairsOf(answer: unknown): [string, string][] {
  if (answer instanceof Map) return pairsOf([...answer].flat());
  if (!Array.isArray(answer)) return Object.entries(answer ?? {}).map(([name, text]) => [name, textOf(text)]);
  const texts = answer.map(textOf);
  return texts.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, texts[index + 1] ?? ""]] : []));
}
