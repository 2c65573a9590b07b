// Errors of a Redis server and of its clients: what may pass by itself, and what people have to do about the others.

/** By the first word of the server's answer, or the code of the network. */
const advice: Readonly<Record<string, string>> = {
  OOM: "the server's memory is full (maxmemory): give it more or remove what nobody needs; what was saved is intact",
  MISCONF: "the server refuses writes because it can't write to its disk: see its log",
  NOAUTH: "the server wants a password: put it into the url, or log in with the client",
  WRONGPASS: "the server knows no such user and password",
  NOPERM: "the user lacks a permission that docs/storage-redis.md lists",
  WRONGTYPE: "something that dotflow did not write lies under this key: give the option prefix a name of its own",
  MOVED: "the server is part of a cluster, over which keys can't be listed without gaps: use a server that is none",
  CROSSSLOT: "the server is part of a cluster, over which keys can't be listed without gaps: use a server that is none",
  ENOTFOUND: "there is no such host: check the url",
  DENIED: "the server runs in protected mode: set a password or bind it to an address",
};

/** A server that starts, fails over or is busy says so with one of these, and takes the same command later. */
const passing = new Set(["LOADING", "READONLY", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN", "BUSY"]);

const tooManyClients = "ERR max number of clients";

/**
 * Gives the error of a client with `retryable` on it, and with what to do in its text.
 *
 * Errors with a code of the network are left to the guard. What a client reports without one is the loss of its
 * connection in some form: what became of the command is unknown, and it is sent again.
 */
export function explained(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // ioredis puts the arguments of the command there: the value that was to be saved, or the password.
  delete (error as { command?: unknown }).command;
  const retryable = isPassing(error);
  const text =
    advice[replyCode(error) || String((error as { code?: unknown }).code)] ??
    (isClosedClient(error) ? closedClient : undefined);
  return Object.assign(error, {
    ...(text !== undefined && !error.message.includes(text) && { message: `${text} (${error.message})` }),
    ...(retryable !== undefined && { retryable }),
  });
}

/** The first word of an answer of the server, such as `OOM`; empty where the error does not come from there. */
export function replyCode(error: unknown): string {
  if (!(error instanceof Error) || "code" in error) return "";
  return /^[A-Z]+(?= |$)/.exec(error.message)?.[0] ?? "";
}

/** Says that the outcome is unknown, so that the guard tries again. */
export function passingError(message: string): Error {
  return Object.assign(new Error(message), { retryable: true });
}

/** `undefined` leaves the answer to the guard, which knows the codes of the network. */
function isPassing(error: Error): boolean | undefined {
  const { retryable, code } = error as { retryable?: unknown; code?: unknown };
  if (typeof retryable === "boolean") return retryable;
  const reply = replyCode(error);
  if (reply !== "") return passing.has(reply) || error.message.startsWith(tooManyClients);
  if (typeof code === "string") return /^ERR_(STREAM|SOCKET)_/.test(code) ? true : undefined;
  return !(error instanceof TypeError) && !isClosedClient(error);
}

/** The client of node-redis that was never connected, or was closed. Its name is no property of the error. */
function isClosedClient({ message }: Error): boolean {
  return message === "The client is closed";
}

const closedClient = "the client that was handed in is not connected: call its connect() before the first start";
