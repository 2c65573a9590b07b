// Cloudflare's own local R2: the object store that Wrangler starts for development, speaking S3.
// A program of its own, so that it can be killed. Arguments: port, folder, buckets.
import { Miniflare } from "miniflare";

const [, , port, folder, ...buckets] = process.argv;
const s3Credentials = { accessKeyId: "AKIDTEST", secretAccessKey: "secret" };

const server = new Miniflare({
  host: "127.0.0.1",
  port: Number(port),
  // Asks nobody on the net where this machine is.
  cf: false,
  modules: true,
  script: "export default { fetch() { return new Response() } }",
  compatibilityDate: "2026-01-01",
  r2Persist: folder,
  r2Buckets: Object.fromEntries(buckets.map((id) => [id, { id, s3Credentials }])),
});
await server.ready;
