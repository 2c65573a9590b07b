// A storage whose failures name the call, and whose answers are of the types that the contract asks for.
import { types } from "node:util";
import type { Storage } from "../../src/storage.ts";
import { demand, Finding, quoted } from "./violation.ts";

export function watched(storage: Storage): Storage {
  return {
    get durable() {
      return storage.durable;
    },
    get durability() {
      return storage.durability;
    },
    async get(key) {
      const value = await naming("get", key, () => storage.get(key));
      demand(
        value === undefined || types.isUint8Array(value),
        `get of ${quoted(key)} gave ${kind(value)}, not a Uint8Array or undefined`,
      );
      return value;
    },
    async put(key, value) {
      await naming("put", key, () => storage.put(key, value));
    },
    async create(key, value) {
      const created = await naming("create", key, () => storage.create(key, value));
      demand(typeof created === "boolean", `create of ${quoted(key)} gave ${kind(created)}, not true or false`);
      return created;
    },
    async *list(prefix) {
      try {
        for await (const key of storage.list(prefix)) {
          demand(typeof key === "string", `list("${prefix}") gave ${kind(key)}, not a text`);
          yield key;
        }
      } catch (error) {
        throw named("list", prefix, error);
      }
    },
    async delete(key) {
      await naming("delete", key, () => storage.delete(key));
    },
  };
}

async function naming<Value>(verb: string, key: string, call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    throw named(verb, key, error);
  }
}

function named(verb: string, key: string, error: unknown): Finding {
  if (error instanceof Finding) return error;
  return new Finding(`${verb} of ${quoted(key)} failed: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

function kind(value: unknown): string {
  return value === null ? "null" : `a value of type ${typeof value}`;
}
