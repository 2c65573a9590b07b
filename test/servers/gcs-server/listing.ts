// One page of a listing: names in the order of their bytes, cut by prefix, delimiter and offsets.
import type { Objects, StoredObject } from "./objects.ts";

const largestPage = 1_000;

export function listPage(objects: Objects, bucket: string, query: URLSearchParams): Record<string, unknown> {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const after = decodeToken(query.get("pageToken"));
  const size = Math.min(Number(query.get("maxResults") ?? largestPage), largestPage);
  const items: StoredObject[] = [];
  const prefixes = new Set<string>();
  let last = "";
  for (const object of objects.sorted(bucket)) {
    const { name } = object;
    if (!name.startsWith(prefix) || !isWithin(name, query)) continue;
    const cut = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
    const shown = cut < 0 ? name : name.slice(0, cut + delimiter.length);
    if ((after !== undefined && !isBelow(after, shown)) || prefixes.has(shown)) continue;
    if (items.length + prefixes.size === size) return page(items, prefixes, encodeToken(last));
    if (cut < 0) items.push(object);
    else prefixes.add(shown);
    last = shown;
  }
  return page(items, prefixes);
}

/** Keeps what `fields` asks for, such as `items/name,nextPageToken` or `items(name,size)`. */
export function selectFields(value: unknown, fields: string): unknown {
  if (Array.isArray(value)) return value.map((each) => selectFields(each, fields));
  if (typeof value !== "object" || value === null) return value;
  const selected: Record<string, unknown> = {};
  for (const [, name = "", path, list] of fields.matchAll(/(\w+)(?:\/([\w/]+)|\(([^)]*)\))?/g)) {
    const found: unknown = (value as Record<string, unknown>)[name];
    if (found !== undefined) selected[name] = path || list ? selectFields(found, path ?? list ?? "") : found;
  }
  return selected;
}

/** `startOffset` is part of the listing, `endOffset` is not. */
function isWithin(name: string, query: URLSearchParams): boolean {
  const [start, end] = [query.get("startOffset"), query.get("endOffset")];
  return (start === null || !isBelow(name, start)) && (end === null || isBelow(name, end));
}

/** What is empty is left out. */
function page(items: StoredObject[], prefixes: ReadonlySet<string>, nextPageToken?: string): Record<string, unknown> {
  return {
    kind: "storage#objects",
    ...(nextPageToken !== undefined && { nextPageToken }),
    ...(prefixes.size > 0 && { prefixes: [...prefixes] }),
    ...(items.length > 0 && { items }),
  };
}

const isBelow = (a: string, b: string): boolean => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
const encodeToken = (name: string): string => Buffer.from(name).toString("base64url");
const decodeToken = (token: string | null): string | undefined =>
  token ? Buffer.from(token, "base64url").toString() : undefined;
