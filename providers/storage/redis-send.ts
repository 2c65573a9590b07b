// Speaks with the clients of both packages in one way: a command goes out, and what comes back are bytes.
import type { RedisClient } from "./redis-client.ts";

/** Sends one command. Texts of the answer are Buffers, what is not there is `null`. */
export type Send = (command: string, ...args: readonly (string | Buffer)[]) => Promise<unknown>;

/** By the first bytes of the protocol: texts as bytes, maps as lists. Both versions of the protocol then answer alike. */
const typeMapping = { 36: Buffer, 37: Array };

export function senderOf(client: RedisClient): Send {
  if ("callBuffer" in client) {
    // ioredis has a method for every command. Its callBuffer loses the command where enableAutoPipelining is on.
    type Method = (...args: readonly (string | Buffer)[]) => Promise<unknown>;
    const methods = client as unknown as Partial<Record<string, Method>>;
    return (command, ...args) =>
      methods[`${command.toLowerCase()}Buffer`]?.(...args) ?? client.callBuffer(command, ...args);
  }
  return (command, ...args) => client.sendCommand([command, ...args], { typeMapping });
}

/** The text of an answer, whichever way the client gives it. */
export function textOf(answer: unknown): string {
  return Buffer.isBuffer(answer) ? answer.toString() : String(answer);
}
