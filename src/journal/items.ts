// Brings the outputs of a map together: its record says where they lie.
import { CorruptCheckpointError } from "../errors.ts";
import { itemId, type ItemList, itemListOf } from "../items-value.ts";
import { inParallel } from "../parallel.ts";
import type { StoredRecord } from "../record.ts";
import { type EncodedValue, nothing } from "../serializer.ts";
import { encodePart } from "./keys.ts";
import { fromPayload } from "./payload.ts";
import type { Store } from "./store.ts";

/** The value of a task as it is handed on: for a map the list of what its items gave. */
export async function gatherItems(
  store: Store,
  run: string,
  taskId: string,
  value: EncodedValue,
  read: (key: string) => Promise<StoredRecord | undefined>,
): Promise<EncodedValue> {
  const list = itemListOf(value);
  if (!list) return value;
  const items = await inParallel(list.marks, async (_, index): Promise<EncodedValue> => {
    const { item, key } = itemAt(store, run, taskId, list, index);
    const record = await read(key);
    if (record) return fromPayload(record).value;
    if (list.partial) return nothing;
    const { workflowId } = store;
    throw new CorruptCheckpointError(
      `The record of item "${item}" of "${taskId}" in run "${run}" of workflow "${workflowId}" is gone or cut short. Start with resume: true and from: "${taskId}" to have the task run again.`,
      { workflowId, runId: run, taskId, key },
    );
  });
  return { form: "list", bytes: new Uint8Array(), items };
}

/** Where the items of a map of `run` have their records; nothing where some have none. */
export function itemKeys(store: Store, run: string, taskId: string, value: EncodedValue): string[] {
  const list = itemListOf(value);
  if (!list || list.partial) return [];
  return list.marks.map((_, index) => itemAt(store, run, taskId, list, index).key);
}

function itemAt(
  store: Store,
  run: string,
  taskId: string,
  { keys, marks, origins }: ItemList,
  index: number,
): { readonly item: string; readonly key: string } {
  const item = keys?.[index] ?? String(index);
  const name = encodePart(itemId(item, marks[index] ?? ""));
  return { item, key: `${store.keys.parts(origins.get(index) ?? run, taskId)}items/${name}` };
}
