// Storages that list wrongly or mix keys up, each with one mistake: the contract must find every one of them.
import { SoundStorage } from "./broken-storages.ts";

export class ListsTheNewestKeyTooLate extends SoundStorage {
  override async *list(prefix: string): AsyncIterable<string> {
    const newest = [...this.map.keys()].at(-1);
    for await (const key of super.list(prefix)) if (key !== newest) yield key;
  }
}

export class ListsTheEndOfEachPageTwice extends SoundStorage {
  override async *list(prefix: string): AsyncIterable<string> {
    const keys = [...this.map.keys()].filter((key) => key.startsWith(prefix)).sort();
    for (let start = 0; start < keys.length; start += 999) yield* keys.slice(start, start + 1_000);
  }
}

export class ListsOnlyTheFirstPage extends SoundStorage {
  override async *list(prefix: string): AsyncIterable<string> {
    yield* [...this.map.keys()].filter((key) => key.startsWith(prefix)).slice(0, 1_000);
  }
}

export class CountsItsWayThroughPages extends SoundStorage {
  override async *list(prefix: string): AsyncIterable<string> {
    for (let offset = 0; ; offset += 100) {
      const page = [...this.map.keys()]
        .filter((key) => key.startsWith(prefix))
        .sort()
        .slice(offset, offset + 100);
      if (page.length === 0) return;
      yield* page;
    }
  }
}

export class ListsWithoutTheSlash extends SoundStorage {
  override list(prefix: string): AsyncIterable<string> {
    return super.list(prefix.replace(/\/$/, ""));
  }
}

export class ListsByPattern extends SoundStorage {
  override async *list(prefix: string): AsyncIterable<string> {
    const like = new RegExp(`^${prefix.replaceAll(".", "\\.").replaceAll("_", ".")}`);
    for (const key of [...this.map.keys()]) if (like.test(key)) yield key;
  }
}

export class IsBusyWhileItLists extends SoundStorage {
  #listing = 0;
  override async *list(prefix: string): AsyncIterable<string> {
    this.#listing++;
    yield* super.list(prefix);
    this.#listing--;
  }
  override async put(key: string, value: Uint8Array): Promise<void> {
    if (this.#listing > 0) throw new Error("this connection is busy executing a query");
    await super.put(key, value);
  }
}

export class ListsWhatIsNotThere extends SoundStorage {
  readonly #known = new Set<string>();
  override async put(key: string, value: Uint8Array): Promise<void> {
    this.#known.add(key);
    await super.put(key, value);
  }
  override async *list(prefix: string): AsyncIterable<string> {
    for (const key of new Set([...this.map.keys(), ...this.#known])) if (key.startsWith(prefix)) yield key;
  }
}

export class LeavesItsCursorOpen extends SoundStorage {
  #open = false;
  override async *list(prefix: string): AsyncIterable<string> {
    this.#open = true;
    const keys = [...this.map.keys()].filter((key) => key.startsWith(prefix));
    for (const key of keys) yield key;
    this.#open = false;
  }
  override async put(key: string, value: Uint8Array): Promise<void> {
    if (this.#open) throw new Error("this connection is busy executing a query");
    await super.put(key, value);
  }
}

/** Keeps values under another name than the one it is asked for. */
class Renaming extends SoundStorage {
  rename(key: string): string {
    return key;
  }
  override get(key: string): Promise<Uint8Array | undefined> {
    return super.get(this.rename(key));
  }
  override put(key: string, value: Uint8Array): Promise<void> {
    return super.put(this.rename(key), value);
  }
  override create(key: string, value: Uint8Array): Promise<boolean> {
    return super.create(this.rename(key), value);
  }
  override delete(key: string): Promise<void> {
    return super.delete(this.rename(key));
  }
}

export class FoldsCase extends Renaming {
  override rename(key: string): string {
    return key.toLowerCase();
  }
}

export class CutsLongKeys extends Renaming {
  override rename(key: string): string {
    return key.slice(0, 320);
  }
}

export class CutsLongParts extends Renaming {
  override rename(key: string): string {
    return key.replace(/([^/]{128})[^/]+/g, "$1");
  }
}

export class TakesDashAndUnderscoreForOne extends Renaming {
  override rename(key: string): string {
    return key.replaceAll("_", "-");
  }
}

export class DropsTheEndingOfKeys extends Renaming {
  override rename(key: string): string {
    return key.replace(/\.(json|tmp)$/, "");
  }
}
