// Which request of the JSON API means which operation.
import { type Answer, Refusal } from "./answer.ts";
import { type Api, type ApiRequest, headerOf, type Target, textOf } from "./api.ts";
import { parseMetadata } from "./multipart.ts";
import type { ResumableUploads } from "./resumable.ts";

type Operation = (request: ApiRequest, target: Target) => Answer;

interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** A parameter of the query that the request must have, with or without its value. */
  readonly parameter: string;
  /** What such requests are counted as. */
  readonly kind: string;
  readonly operation: Operation;
}

/** Gives what does a request, and its kind. */
export type FindOperation = (request: ApiRequest) => { kind: string; run: () => Answer };

const bucketPath = /^\/storage\/v1\/b\/(?<bucket>[^/]+)$/;
const listPath = /^\/storage\/v1\/b\/(?<bucket>[^/]+)\/o$/;
const objectPath = /^\/storage\/v1\/b\/(?<bucket>[^/]+)\/o\/(?<name>[^/]+)$/;
const rewritePath =
  /^\/storage\/v1\/b\/(?<bucket>[^/]+)\/o\/(?<name>[^/]+)\/rewriteTo\/b\/(?<toBucket>[^/]+)\/o\/(?<toName>[^/]+)$/;
const uploadPath = /^\/upload\/storage\/v1\/b\/(?<bucket>[^/]+)\/o$/;

export function makeRoutes(api: Api, uploads: ResumableUploads): FindOperation {
  const route = (kind: string, method: string, path: RegExp, operation: Operation, parameter = ""): Route => ({
    kind,
    method,
    path,
    operation,
    parameter,
  });
  const begin: Operation = (request, { bucket }) => {
    const { origin, body, query } = request;
    const contentType = headerOf(request, "x-upload-content-type");
    const metadata: Record<string, unknown> = { ...(contentType !== "" && { contentType }), ...parseMetadata(body) };
    return uploads.begin(origin, { bucket, name: query.get("name") ?? textOf(metadata["name"]), metadata, query });
  };
  const add: Operation = (request) => uploads.add(uploadId(request), headerOf(request, "content-range"), request.body);
  const routes = [
    route("createBucket", "POST", /^\/storage\/v1\/b$/, (request) => api.createBucket(request)),
    route("getBucket", "GET", bucketPath, (_, { bucket }) => api.getBucket(bucket)),
    route("deleteBucket", "DELETE", bucketPath, (_, { bucket }) => api.deleteBucket(bucket)),
    route("insert", "POST", uploadPath, (request, at) => api.insert(request, at), "uploadType=multipart"),
    route("resumable", "POST", uploadPath, begin, "uploadType=resumable"),
    route("resumable", "PUT", uploadPath, add, "upload_id"),
    route("resumable", "DELETE", uploadPath, (request) => uploads.abort(uploadId(request)), "upload_id"),
    route("list", "GET", listPath, (request, at) => api.list(request, at)),
    route("download", "GET", objectPath, (request, at) => api.download(request, at), "alt=media"),
    route("get", "GET", objectPath, (request, at) => api.get(request, at)),
    route("patch", "PATCH", objectPath, (request, at) => api.patch(request, at)),
    route("delete", "DELETE", objectPath, (request, at) => api.delete(request, at)),
    route("rewrite", "POST", rewritePath, (request, at) => api.rewrite(request, at)),
  ];
  return (request) => {
    for (const { kind, method, path, parameter, operation } of routes) {
      const match = path.exec(request.path);
      if (!match || method !== request.method || !hasParameter(request.query, parameter)) continue;
      return { kind, run: () => operation(request, targetOf(match.groups)) };
    }
    const run = (): never => {
      throw new Refusal(404, "notFound", `Not Found: ${request.method} ${request.path}`);
    };
    return { kind: "unknown", run };
  };
}

function targetOf(groups: Record<string, string> = {}): Target {
  const part = (name: string): string => decodeURIComponent(groups[name] ?? "");
  return { bucket: part("bucket"), name: part("name"), toBucket: part("toBucket"), toName: part("toName") };
}

function hasParameter(query: URLSearchParams, parameter: string): boolean {
  const [name = "", value] = parameter.split("=");
  if (name === "") return true;
  return value === undefined ? query.has(name) : query.get(name) === value;
}

function uploadId({ query }: ApiRequest): string {
  return query.get("upload_id") ?? "";
}
