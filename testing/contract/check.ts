// What a check is: one demand of the contract.
import type { Place } from "./place.ts";

/** `body` rejects where the storage does not meet it. */
export interface Check {
  readonly name: string;
  /** What goes wrong in a workflow without it: the second half of the violation's text. */
  readonly why: string;
  readonly needs?: "processes" | "reopen";
  /** Whether it is asked only of storages that call themselves durable. */
  readonly durableOnly?: boolean;
  readonly body: (place: Place) => Promise<void>;
}
