// A value as the payload of a record, with the changes of the shared state behind it.
import type { Facts, StoredRecord } from "../record.ts";
import type { Change, Changes, EncodedValue } from "../serializer.ts";

export function toPayload(
  facts: Facts,
  { form, bytes, changes }: EncodedValue,
): Pick<StoredRecord, "facts" | "payload"> {
  if (!changes) return { facts: { ...facts, form }, payload: bytes };
  const state = encodeChanges(changes);
  return { facts: { ...facts, form, state: state.length }, payload: Buffer.concat([bytes, state]) };
}

export function fromPayload({ facts, payload }: Pick<StoredRecord, "facts" | "payload">): {
  facts: Facts;
  value: EncodedValue;
} {
  const { form, state = 0, ...rest } = facts;
  const end = payload.length - Number(state);
  const value = { form: String(form), bytes: payload.subarray(0, end) };
  if (end === payload.length) return { facts: rest, value };
  return { facts: rest, value: { ...value, changes: decodeChanges(payload.subarray(end)) } };
}

/** Values are base64: whatever form they have, the whole stays one line of JSON. */
function encodeChanges(changes: Changes): Uint8Array {
  const entries = [...changes].map(([key, { order, value }]) =>
    value ? [key, order, value.form, Buffer.from(value.bytes).toString("base64")] : [key, order],
  );
  return Buffer.from(JSON.stringify(entries));
}

function decodeChanges(bytes: Uint8Array): Changes {
  const entries = JSON.parse(Buffer.from(bytes).toString("utf8")) as [string, number, string?, string?][];
  return new Map(
    entries.map(([key, order, form, base64 = ""]): [string, Change] => [
      key,
      { order, value: form === undefined ? undefined : { form, bytes: Buffer.from(base64, "base64") } },
    ]),
  );
}
