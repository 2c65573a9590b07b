// A storage of one's own: any service with GET, PUT, DELETE, a listing and `If-None-Match` will do. The published checks prove it.
//
// Prints:
//   the contract: … checks passed, 0 violated
//   greet completed, shout completed: HELLO
//   greet restored, shout restored: HELLO
import { randomUUID } from "node:crypto";
import { action, type Context, DotFlow, type Storage } from "dotflow";
import { verifyStorage } from "dotflow/testing";
import { startService, stopService } from "./own-storage/service.ts";

class StorageHttp implements Storage {
  // `true` would promise that what was answered survives a crash of the machine: this service keeps it in memory.
  readonly durable = false;
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const answer = await this.#ask("GET", key);
    return answer.status === 404 ? undefined : new Uint8Array(await answer.arrayBuffer());
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#ask("PUT", key, { body: value });
  }

  // All rests on this one: the service decides, in one go, which of several callers was the first.
  async create(key: string, value: Uint8Array): Promise<boolean> {
    const answer = await this.#ask("PUT", key, { body: value, headers: { "if-none-match": "*" } });
    return answer.status !== 412;
  }

  async *list(prefix: string): AsyncIterable<string> {
    const answer = await this.#ask("GET", `?prefix=${prefix}`);
    yield* (await answer.json()) as string[];
  }

  async delete(key: string): Promise<void> {
    await this.#ask("DELETE", key);
  }

  async #ask(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const answer = await fetch(`${this.url}/${path}`, { ...init, method });
    if (answer.ok || answer.status === 404 || answer.status === 412) return answer;
    // dotflow tries a failed call again where its error says `retryable: true`.
    const error = new Error(`${method} ${path} was answered with ${answer.status}`);
    throw Object.assign(error, { retryable: answer.status >= 500 });
  }
}

const address = await startService();

const { passed, violations } = await verifyStorage({
  open: () => new StorageHttp(`${address}/${randomUUID()}`),
  reopen: (storage) => new StorageHttp((storage as StorageHttp).url),
});
console.log(`the contract: ${passed.length} checks passed, ${violations.length} violated`);
for (const violation of violations) console.log(violation.message);

const greet = action(async function greet() {
  return "hello";
});
const shout = action(async function shout(previous: Context<string>) {
  return previous.storage.toUpperCase();
});
const workflow = new DotFlow({ workflowId: "own-storage", storage: new StorageHttp(`${address}/checkpoints`) });
workflow.task.add(greet).add(shout);
for (let start = 1; start <= 2; start++) {
  const result = await workflow.start({ resume: true });
  console.log(`${result.tasks.map(({ id, status }) => `${id} ${status}`).join(", ")}:`, await result.output());
}

stopService();
