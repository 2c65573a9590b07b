// Signals from outside: anyone may send one to a run, and each is taken by one wait.
import { hash, randomBytes } from "node:crypto";
import type { StoredRecord } from "../record.ts";
import type { EncodedValue } from "../serializer.ts";
import type { Store } from "./store.ts";

/** Sends a signal. It is kept until something waits for it. */
export async function sendSignal(
  store: Store,
  { runId, name, value, now }: { runId: string; name: string; value: EncodedValue; now: number },
): Promise<void> {
  const writer = randomBytes(8).toString("hex");
  const folder = store.keys.signals(runId, name);
  // Behind those that are there, also within a millisecond, and where the clock of this machine is behind.
  const times = (await store.list(folder)).map((key) => Number(key.slice(folder.length).split("-")[0]));
  const time = times.reduce((latest, each) => Math.max(latest, each + 1), now);
  const key = `${folder}${String(time).padStart(15, "0")}-${writer}`;
  await store.create(key, { kind: "signal", writer, facts: { name, form: value.form }, payload: value.bytes });
}

/** Where a run looks for signals: in its own folder, then in those of the runs that it is a step of, the nearest first. */
export interface Mailbox {
  readonly store: Store;
  readonly runId: string;
}

export interface SignalTaker {
  readonly name: string;
  /** Who takes it, always the same text for the same wait. */
  readonly taker: string;
  /** Gives the record that counts where another process was first. The caller holds the lease. */
  readonly create: (key: string, record: StoredRecord) => Promise<StoredRecord | undefined>;
}

/** Takes the oldest signal of a name that no other wait has taken. */
export async function takeSignal(mailboxes: readonly Mailbox[], taker: SignalTaker): Promise<EncodedValue | undefined> {
  for (const mailbox of mailboxes) {
    const found = await takeFrom(mailbox, taker);
    if (found) return found;
  }
  return undefined;
}

async function takeFrom(
  { store, runId }: Mailbox,
  { name, taker, create }: SignalTaker,
): Promise<EncodedValue | undefined> {
  const signals = store.keys.signals(runId, name);
  const taken = store.keys.taken(runId, name);
  const ids = (await store.list(signals)).map((key) => key.slice(signals.length)).sort();
  const gone = ids.length > 0 ? await idsIn(store, taken) : new Set();
  for (const id of ids) {
    const holder = gone.has(id) ? (await store.read(taken + id))?.facts["taker"] : undefined;
    if (holder !== undefined && holder !== taker) continue;
    const record = await store.read(signals + id);
    if (!record) continue;
    // Each wait is a writer of its own: two of one process must not take the record of the other one for theirs.
    const writer = hash("sha256", taker).slice(0, 32);
    const first = await create(taken + id, { kind: "signal", writer, facts: { taker }, payload: new Uint8Array() });
    if (first && first.facts["taker"] !== taker) continue;
    return { form: String(record.facts["form"]), bytes: record.payload };
  }
  return undefined;
}

/** Whether there is a signal of a name that nobody has taken. */
export async function hasSignal(mailboxes: readonly Mailbox[], name: string): Promise<boolean> {
  for (const mailbox of mailboxes) if (await isWaitingIn(mailbox, name)) return true;
  return false;
}

async function isWaitingIn({ store, runId }: Mailbox, name: string): Promise<boolean> {
  const signals = store.keys.signals(runId, name);
  const taken = store.keys.taken(runId, name);
  const sent = (await store.list(signals)).map((key) => key.slice(signals.length));
  if (sent.length === 0) return false;
  const gone = await idsIn(store, taken);
  // One that is torn can't be taken, and would wake whoever waits for ever.
  for (const id of sent) if (!gone.has(id) && (await store.read(signals + id))) return true;
  return false;
}

async function idsIn(store: Store, folder: string): Promise<ReadonlySet<string>> {
  return new Set((await store.list(folder)).map((key) => key.slice(folder.length)));
}
