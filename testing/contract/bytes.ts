// Values that tell who wrote them and whether they are whole, so that a mix, a part or a stranger's value is found out.
import { types } from "node:util";

/** Repeats after a prime number of bytes, so that blocks which changed places are found out. */
const pattern = Uint8Array.from({ length: 65_521 }, (_, index) => (index * 167 + (index >> 8)) & 255);

/** Gives `size` bytes that say `label` all over. `size` must have room for the label and the size itself. */
export function labelled(label: string, size: number): Uint8Array {
  const unit = `${label}|${size}|`;
  if (size < unit.length) throw new RangeError(`A value labelled "${label}" needs ${unit.length} bytes or more.`);
  return plain(Buffer.alloc(size, unit));
}

/** Gives the label of a value made by `labelled`, or `undefined` where it is not such a value or not all of it. */
export function labelOf(bytes: Uint8Array | undefined): string | undefined {
  const match = bytes && /^([^|]*)\|(\d+)\|/.exec(text(bytes, 1_000));
  if (!match || Number(match[2]) !== bytes.length) return undefined;
  const label = match[1] ?? "";
  return same(bytes, labelled(label, bytes.length)) ? label : undefined;
}

/** Gives `size` bytes with every byte value among them, which are no text and whose blocks differ from each other. */
export function everyByte(size: number): Uint8Array {
  return plain(Buffer.alloc(size, pattern));
}

export function same(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left !== undefined && types.isUint8Array(left) && Buffer.compare(left, right) === 0;
}

/** Says what was read, for people. */
export function describe(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return "nothing";
  if (bytes.length === 0) return "0 bytes";
  const label = labelOf(bytes);
  if (label !== undefined) return `the value "${label.slice(0, 80)}" of ${bytes.length} bytes`;
  return `${bytes.length} bytes that are no whole value and begin with ${JSON.stringify(text(bytes, 12))}`;
}

/** The engine hands over plain arrays of bytes: a `Buffer` here would hide a storage that relies on its methods. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function text(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString("latin1");
}
