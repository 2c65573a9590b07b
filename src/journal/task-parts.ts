// What a task saves on its way, before it is done: its iterations, the values of `once`, its progress.
import type { Facts, StoredRecord } from "../record.ts";
import { inParallel } from "../parallel.ts";
import { type Changes, type EncodedValue, nothing } from "../serializer.ts";
import { encodePart, generationOf, iterationName } from "./keys.ts";
import { fromPayload } from "./payload.ts";

/** Something that was saved, still encoded. */
export interface Part {
  readonly facts: Facts;
  readonly value: EncodedValue;
}

/** An item of a map that has its record; `run` where that lies in another run. */
export interface SavedItem {
  readonly run: string | undefined;
  readonly changes: Changes | undefined;
}

/** What the task has in a run before this one. */
export interface EarlierParts {
  readonly run: string;
  readonly folder: string;
  readonly names: ReadonlySet<string>;
  /** Whether the task had begun there and goes on; else only the items of a map count that are as they were. */
  readonly goesOn: boolean;
}

export interface LastIteration {
  readonly number: number;
  readonly value: EncodedValue;
  /** The run that has it; missing where it is this one. */
  readonly run: string | undefined;
}

/** How parts are read and written; every write makes sure first that this process drives the run. */
export interface PartsAccess {
  readonly folder: string;
  /** What lies in the folder, behind its name. */
  readonly names: readonly string[];
  /** The newest run first. */
  readonly earlier?: readonly EarlierParts[];
  /** The iteration of another run that the task goes on from, where it has none of its own. */
  readonly begun?: { readonly number: number; readonly run: string; readonly key: string } | undefined;
  /** Whether the records of items have to be read: they may be torn, or hold changes of the shared state. */
  readonly readsItems?: boolean;
  read(key: string): Promise<StoredRecord | undefined>;
  /** Gives the record that counts where another process was first. */
  create(key: string, facts: Facts, value: EncodedValue): Promise<StoredRecord | undefined>;
  /** The same for what may be held back, as the checkpoint policy says. */
  gather(key: string, facts: Facts, value: EncodedValue): Promise<StoredRecord | undefined>;
  /** `name` is given the generation of the lease, under which an owner may write again. */
  put(name: (generation: number) => string, facts: Facts, value: EncodedValue): Promise<void>;
  delete(key: string): Promise<void>;
  /** Takes the oldest signal of a name that nobody has taken; the same taker gets the same one again. */
  takeSignal(name: string, taker: string): Promise<EncodedValue | undefined>;
}

/** Parts of a task whose value is not recorded: they last as long as the task does. */
export function unsavedParts(): TaskParts {
  return new TaskParts({
    folder: "",
    names: [],
    read: async () => undefined,
    create: async () => undefined,
    gather: async () => undefined,
    put: async () => {},
    delete: async () => {},
    takeSignal: async () => undefined,
  });
}

export class TaskParts {
  readonly #access: PartsAccess;
  readonly #names: Set<string>;
  /** What was written by this process, so that a retry need not read it. */
  readonly #written = new Map<string, EncodedValue>();
  /** What was added to the names in this iteration. The next one has no use for it. */
  readonly #added = new Set<string>();
  /** For this run and each of the earlier ones, the names of what items have saved on their way, by item. */
  #namesOfItems: readonly ReadonlyMap<string, readonly string[]>[] | undefined;

  constructor(access: PartsAccess) {
    this.#access = access;
    this.#names = new Set(access.names);
  }

  /** Whether nothing was saved. */
  get isEmpty(): boolean {
    const { begun, earlier = [] } = this.#access;
    return this.#names.size === 0 && !begun && !earlier.some(({ names, goesOn }) => goesOn && names.size > 0);
  }

  /** What one item saves on its way. */
  ofItem(id: string): TaskParts {
    const part = encodePart(id);
    const folder = `of/${part}/`;
    const access = this.#access;
    this.#namesOfItems ??= [this.#names, ...this.#goneOnFrom().map(({ names }) => names)].map(namesOfItems);
    const [own, ...others] = this.#namesOfItems.map((names) => names.get(part) ?? []);
    return new TaskParts({
      ...access,
      folder: access.folder + folder,
      names: own ?? [],
      begun: undefined,
      earlier: this.#goneOnFrom().map((place, index) => ({
        ...place,
        folder: place.folder + folder,
        names: new Set(others[index]),
      })),
      put: (name, facts, value) => access.put((generation) => folder + name(generation), facts, value),
    });
  }

  /** Under which an item, or an iteration, has its record. */
  itemKey(id: string): string {
    return this.#access.folder + itemName(id);
  }

  iterationKey(number: number): string {
    return this.#access.folder + iterationName(number);
  }

  /** Finds the record of an item: in this run, or in one before it. */
  async findItem(id: string): Promise<SavedItem | undefined> {
    const { earlier = [], readsItems } = this.#access;
    const name = itemName(id);
    for (const place of this.#placesOf(name, earlier)) {
      const { run } = place;
      if (!readsItems) return { run, changes: undefined };
      const record = await this.#access.read(place.folder + name);
      if (record) return { run, changes: fromPayload(record).value.changes };
    }
    return undefined;
  }

  /** The changes of the shared state that iterations and items have committed. */
  async changes(): Promise<readonly Changes[]> {
    const names = this.#allNames().filter((name) => /^(of\/[^/]+\/iterations|iterations|items)\//.test(name));
    const parts: (Part | undefined)[] = await inParallel(names, (name) => this.#read(name));
    const { begun } = this.#access;
    const elsewhere = begun && (await this.#access.read(begun.key));
    if (elsewhere) parts.push(fromPayload(elsewhere));
    return parts.flatMap((part) => part?.value.changes ?? []);
  }

  /**
   * Saves what an item came to. Gives the changes of the shared state that count: a rival may have been first.
   * Unlike other parts it is not kept in mind: there may be very many.
   */
  async saveItem(id: string, facts: Facts, value: EncodedValue): Promise<Changes | undefined> {
    const rival = await this.#access.gather(this.#access.folder + itemName(id), facts, value);
    return rival ? fromPayload(rival).value.changes : value.changes;
  }

  /** The last iteration that was saved; a torn one counts as not written. */
  async lastIteration(): Promise<LastIteration | undefined> {
    const numbers = this.#numbersBelow("iterations/");
    for (const number of numbers) {
      const part = await this.#read(iterationName(number));
      if (part) return { number, value: part.value, run: part.run };
    }
    const { begun } = this.#access;
    const record = begun && (await this.#access.read(begun.key));
    return record && { number: begun.number, value: fromPayload(record).value, run: begun.run };
  }

  /**
   * Saves what an iteration handed on to the next one. Gives what counts: a rival may have been first. What the iteration
   * saved on its way is forgotten, so that a loop takes no more memory the longer it runs.
   */
  async saveIteration(number: number, facts: Facts, value: EncodedValue): Promise<EncodedValue> {
    const rival = await this.#access.gather(this.#access.folder + iterationName(number), facts, value);
    for (const name of this.#added) this.#names.delete(name);
    this.#added.clear();
    this.#written.clear();
    return rival ? fromPayload(rival).value : value;
  }

  async readOnce(iteration: number, name: string): Promise<EncodedValue | undefined> {
    const key = partName("once", iteration, name);
    return this.#written.get(key) ?? (await this.#read(key))?.value;
  }

  async saveOnce(iteration: number, name: string, value: EncodedValue): Promise<EncodedValue> {
    const key = partName("once", iteration, name);
    const counts = await this.#create(key, { name }, value);
    this.#written.set(key, counts);
    return counts;
  }

  /** Notes that something is about to be done; `false` where that is noted already, so that it may have been done. */
  async intend(iteration: number, name: string): Promise<boolean> {
    const intent = partName("intents", iteration, name);
    if (this.#placesOf(intent).length > 0) return false;
    const rival = await this.#access.create(this.#access.folder + intent, { name }, nothing);
    this.#add(intent);
    return rival === undefined;
  }

  /** Takes an intent back: what was to be done was not done. */
  async withdraw(iteration: number, name: string): Promise<void> {
    const intent = partName("intents", iteration, name);
    await this.#access.delete(this.#access.folder + intent);
    this.#names.delete(intent);
  }

  async readProgress(iteration: number): Promise<EncodedValue | undefined> {
    const folder = `progress/${padded(iteration)}/`;
    for (const generation of this.#numbersBelow(folder)) {
      const part = await this.#read(folder + padded(generation));
      if (part) return part.value;
    }
    return undefined;
  }

  async saveProgress(iteration: number, value: EncodedValue): Promise<void> {
    await this.#access.put((generation) => `progress/${padded(iteration)}/${padded(generation)}`, {}, value);
  }

  /** Notes when a waiting began, where it is not noted yet. Gives what is noted. */
  async beginWait(iteration: number, wait: string, until: EncodedValue): Promise<EncodedValue> {
    const name = partName("waits", iteration, wait);
    return (await this.#read(name))?.value ?? this.#create(name, { wait }, until);
  }

  takeSignal(iteration: number, wait: string, signal: string): Promise<EncodedValue | undefined> {
    return this.#access.takeSignal(signal, `${this.#access.folder}${partName("waits", iteration, wait)}`);
  }

  readArrival(iteration: number, wait: string): Promise<Part | undefined> {
    return this.#read(partName("arrivals", iteration, wait));
  }

  /** Notes what ended a waiting: from then on it ends so whenever the step runs again. Gives what counts. */
  async saveArrival(iteration: number, wait: string, facts: Facts, value: EncodedValue): Promise<Part> {
    const name = partName("arrivals", iteration, wait);
    const rival = await this.#access.create(this.#access.folder + name, facts, value);
    this.#add(name);
    return rival ? fromPayload(rival) : { facts, value };
  }

  /** The numbers of what lies in a folder, the highest first. */
  #numbersBelow(folder: string): number[] {
    const names = this.#allNames().filter((name) => name.startsWith(folder));
    return names.map(generationOf).sort((a, b) => b - a);
  }

  #goneOnFrom(): readonly EarlierParts[] {
    return (this.#access.earlier ?? []).filter(({ goesOn }) => goesOn);
  }

  #allNames(): string[] {
    return [...new Set([...this.#names, ...this.#goneOnFrom().flatMap(({ names }) => [...names])])];
  }

  /** Where something lies, this run first. */
  #placesOf(
    name: string,
    earlier = this.#goneOnFrom(),
  ): readonly { readonly run: string | undefined; readonly folder: string }[] {
    const own = { run: undefined, folder: this.#access.folder, names: this.#names };
    return [own, ...earlier].filter(({ names }) => names.has(name));
  }

  async #read(name: string): Promise<(Part & { readonly run: string | undefined }) | undefined> {
    for (const { run, folder } of this.#placesOf(name)) {
      const record = await this.#access.read(folder + name);
      if (record) return { ...fromPayload(record), run };
    }
    return undefined;
  }

  async #create(name: string, facts: Facts, value: EncodedValue): Promise<EncodedValue> {
    const rival = await this.#access.create(this.#access.folder + name, facts, value);
    this.#add(name);
    return rival ? fromPayload(rival).value : value;
  }

  #add(name: string): void {
    this.#names.add(name);
    this.#added.add(name);
  }
}

function namesOfItems(names: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const byItem = new Map<string, string[]>();
  for (const name of names) {
    const [folder, item = "", ...rest] = name.split("/");
    if (folder !== "of") continue;
    const own = byItem.get(item);
    if (own) own.push(rest.join("/"));
    else byItem.set(item, [rest.join("/")]);
  }
  return byItem;
}

function itemName(id: string): string {
  return `items/${encodePart(id)}`;
}

function partName(kind: "once" | "intents" | "waits" | "arrivals", iteration: number, name: string): string {
  return `${kind}/${padded(iteration)}/${encodePart(name)}`;
}

function padded(number: number): string {
  return String(number).padStart(8, "0");
}
