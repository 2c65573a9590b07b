// A kind of storage that behaviour is tested over, and where it keeps what it stores.
import type { Storage } from "dotflow";
import type { ServerRecipe } from "../servers/server.ts";

export interface PlaceKind {
  /** Whether other processes can open the same place. */
  readonly shared: boolean;
  /** Why it can't be tested on this machine; `undefined` where it can. @default it can */
  readonly missing?: () => string | undefined;
  /** How the server is started that it talks to. @default it talks to none */
  readonly server?: ServerRecipe;
  /**
   * How much of what a test does at many places is done here, from 0 to 1: less where a request takes milliseconds.
   *
   * @default 1
   */
  readonly scale?: number;
  /** Makes an empty place, and gives its name. It lies on the server at `address`. @default the one that the test run shares */
  make(address?: string): string | Promise<string>;
  /** Opens a place by its name, also in another process. */
  open(place: string): Storage;
  remove(place: string): void | Promise<void>;
}
