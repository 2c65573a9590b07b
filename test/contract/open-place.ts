// Opens the place of any kind in the child processes of the contract.
import type { Storage } from "dotflow";
import { openPlace } from "../places.ts";

/** `args` are the kind and the place, as JSON. */
export default (args: string): Storage => openPlace(...(JSON.parse(args) as [kind: string, place: string]));
