// What the record of a `map` holds: not the outputs, which lie with the items, but where to find them, in order.
import type { EncodedValue } from "./serializer.ts";

/** The items of a map as its record lists them. */
export interface ItemList {
  readonly count: number;
  /** Missing where items are known by their position. */
  readonly keys: readonly string[] | undefined;
  /** By position, what tells an item from another one with the same key: another content, another version of the step. */
  readonly marks: readonly string[];
  /** Items whose records lie in another run, by their position. */
  readonly origins: ReadonlyMap<number, string>;
  /** Whether items failed, so that they have no record: `null` stands in their place. */
  readonly partial?: boolean;
}

/** How many characters a mark has. They stand in the record without anything between them. */
export const markLength = 16;

const form = "items";
const marksOf = new RegExp(`.{${markLength}}`, "g");

export function itemsValue({ count, keys, marks, origins, partial }: ItemList): EncodedValue {
  const stored = { count, keys, marks: marks.join(""), ...(origins.size > 0 && { origins: [...origins] }), partial };
  return { form, bytes: Buffer.from(JSON.stringify(stored)) };
}

/** `undefined` for any other value. */
export function itemListOf(value: EncodedValue): ItemList | undefined {
  if (value.form !== form) return undefined;
  const { marks, origins, ...list } = JSON.parse(Buffer.from(value.bytes).toString("utf8")) as {
    count: number;
    keys?: string[];
    marks: string;
    origins?: [number, string][];
    partial?: boolean;
  };
  return { keys: undefined, ...list, marks: marks.match(marksOf) ?? [], origins: new Map(origins) };
}

/** What the record of an item is known by. */
export function itemId(key: string, mark: string): string {
  return `${key}.${mark}`;
}
