// Errors of PostgreSQL and its clients, said so that people know what to do, and whether the same call may go through a moment later.

/** What PostgreSQL's codes (SQLSTATE), and one of the network, ask people to do. */
const advice: Readonly<Record<string, string>> = {
  "28P01": "the server refused user and password; check connectionString, or PGUSER and PGPASSWORD",
  "28000": "the server lets this user not in from here; check user, database and TLS, and the server's pg_hba.conf",
  "3D000": "there is no such database; create it, or correct connectionString or PGDATABASE",
  "42501": "this role lacks a right; it needs USAGE on the schema and SELECT, INSERT, UPDATE and DELETE on the table",
  "42P01": "the table was removed while it was in use, with what was saved in it; put it back, or start anew",
  "25006": "the server takes no writes: it is a replica, or was made read-only; give the address of the primary",
  "53100": "the disk of the server is full; free some space",
  "53300": "the server has no connection left; raise max_connections, or use a pooler",
  "57014": "the server gave the statement up; raise statementTimeout if values are large or the line is slow",
  "54000": "the key or the value is larger than PostgreSQL takes",
  ENOTFOUND: "there is no such host; check connectionString or PGHOST",
};

/** Codes of what passes: connections lost, servers that start or end, rivals in each other's way, too many connections. */
const passing = new Set(["25006", "40001", "40P01", "53300", "55P03", "57014", "57P01", "57P02", "57P03", "57P05"]);

/** Codes of what is wrong with one write alone: its value, a constraint or trigger of somebody's, a limit, memory. */
const ownFaults = /^(22|23|54|P0)|^53200$/;

/** What `pg` says, without a code, of a connection that was lost, was never made, or does not answer. */
const lostConnection = /terminated|timeout|not queryable/i;

/** Errors that were explained: calls that wait for the same connection get the same one. */
const done = new WeakSet<Error>();

/** Gives the client's error with a text for people. `retryable` is set wherever PostgreSQL or the connection has said something. */
export function explained(error: unknown, table: string): unknown {
  if (!(error instanceof Error) || done.has(error)) return error;
  done.add(error);
  // Errors of ours say all.
  if (typeof (error as { retryable?: unknown }).retryable === "boolean" || codeOf(error) === "MISSING_PACKAGE")
    return error;
  // PGlite puts the values of the statement into its errors.
  Reflect.deleteProperty(error, "params");
  const retryable = isPassing(error);
  const message = messageFor(error, codeOf(error), table);
  return Object.assign(error, { message, ...(retryable !== undefined && { retryable }) });
}

/** Whether the error is about one write of a group: the others may go through without it. */
export function isOwnFault(error: unknown): boolean {
  return isSqlState(codeOf(error)) && ownFaults.test(codeOf(error));
}

function messageFor(error: Error, code: string, table: string): string {
  const said = (error.message || eachMessage(error)).replace(/\.$/, "");
  const known = isStartupRefusal(error)
    ? "a pooler such as pgbouncer refuses the server's time limit; give statementTimeout: 0, or let it ignore this parameter"
    : advice[code];
  const where = [...(code === "" ? [] : [code]), `table ${table}`].join(", ");
  return `${known === undefined ? said : `${known}: ${said}`} (${where})`;
}

function isPassing(error: Error): boolean | undefined {
  const code = codeOf(error);
  if (isSqlState(code)) {
    // Class 08 is about connections. Poolers give 08P01 for all that befalls them.
    return passing.has(code) || (code.startsWith("08") && !isStartupRefusal(error));
  }
  // The socket file of a server on this machine is gone while the server is restarted.
  if (code === "ENOENT" && (error as NodeJS.ErrnoException).syscall === "connect") return true;
  return code === "" && lostConnection.test(error.message) ? true : undefined;
}

function isStartupRefusal({ message }: Error): boolean {
  return /unsupported startup parameter/i.test(message);
}

/** Node tries all addresses of a host, and says of each what was wrong. */
function eachMessage(error: Error): string {
  const { errors } = error as { errors?: unknown };
  return Array.isArray(errors) ? errors.map((each) => (each as Error).message).join("; ") : error.name;
}

/** Five signs, and no name of the operating system's, such as `EPIPE`. */
function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && code !== "EPIPE";
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "";
}
