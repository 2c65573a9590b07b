// Values of all sizes, with the ends of common buffers and limits among them.
import { describe, everyByte, same } from "./bytes.ts";
import type { Check } from "./check.ts";
import { demand } from "./violation.ts";

const kilobyte = 1024;
const megabyte = 1024 * kilobyte;

/** The checks for values of up to `largest` bytes. */
export function sizes(largest: number): readonly Check[] {
  const common = [0, 1, 64 * kilobyte - 1, 64 * kilobyte, 64 * kilobyte + 1, megabyte];
  return [...common, ...[8 * megabyte, largest].filter((size) => size > megabyte && size <= largest)].map(sizeCheck);
}

function sizeCheck(size: number): Check {
  return {
    name: `keeps ${inWords(size)}`,
    why: "the result of a step may have any size: one that can't be saved fails its step",
    async body({ storage }) {
      const bytes = everyByte(size);
      await storage.put("job/put", bytes);
      demand(await storage.create("job/created", bytes), `create of a new key gave false for ${inWords(size)}`);
      for (const key of ["job/put", "job/created"]) {
        const found = await storage.get(key);
        demand(same(found, bytes), `${inWords(size)} were written under "${key}", and get gave ${describe(found)}`);
      }
    },
  };
}

function inWords(size: number): string {
  if (size === 1) return "1 byte";
  return size > 0 && size % megabyte === 0 ? `${size / megabyte} MB` : `${size} bytes`;
}
