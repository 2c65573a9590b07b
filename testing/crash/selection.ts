// Which operations of a start are struck, and where.
import type { CrashDeed } from "./process-storage.ts";
import type { CrashOperation, CrashPoint } from "./report.ts";

export class Selection {
  readonly #points: readonly CrashPoint[];
  readonly #every: number;
  readonly #chosen: (operation: CrashOperation) => boolean;

  constructor(points: readonly CrashPoint[], every: number, chosen: (operation: CrashOperation) => boolean) {
    this.#points = points;
    this.#every = every;
    this.#chosen = chosen;
  }

  /** Every crash. A read leaves nothing behind, so that one crash stands for all points. */
  crashes(operations: readonly CrashOperation[]): CrashDeed[] {
    return this.#of(operations).flatMap((operation) =>
      crashesAt(operation, isWrite(operation) ? this.#points : ["before"]),
    );
  }

  /** Those that leave the storage as no other one does: a crash before a write leaves what one after the write before it left. */
  distinct(operations: readonly CrashOperation[]): CrashDeed[] {
    const telling = this.#points.filter((point) => point !== "before");
    const points = telling.length > 0 ? telling : this.#points;
    return this.#of(operations)
      .filter(isWrite)
      .flatMap((operation) => crashesAt(operation, points));
  }

  /** Writes that are still under way when the process dies. */
  late(operations: readonly CrashOperation[]): CrashDeed[] {
    return this.#of(operations)
      .filter(isWrite)
      .flatMap((operation) => crashesAt(operation, ["late"]));
  }

  /** The records of steps and of what they save on their way, alone or gathered. */
  records(operations: readonly CrashOperation[]): CrashOperation[] {
    return this.#of(operations).filter(({ writes = "" }) => ["step", "part", "batch"].includes(writes));
  }

  #of(operations: readonly CrashOperation[]): CrashOperation[] {
    return operations.filter(this.#chosen).filter((_, index) => index % this.#every === 0);
  }
}

function crashesAt({ number }: CrashOperation, points: readonly CrashDeed["point"][]): CrashDeed[] {
  return points.map((point) => ({ do: "crash", operation: number, point }));
}

function isWrite({ verb }: CrashOperation): boolean {
  return verb === "put" || verb === "create" || verb === "delete";
}
