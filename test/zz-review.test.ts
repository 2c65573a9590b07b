import { it, expect, describe } from "vitest";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { StoragePostgres } from "dotflow/storage/postgres";
import { StorageRedis } from "dotflow/storage/redis";
import { StorageS3 } from "dotflow/storage/s3";
import { postgres } from "./servers/postgres.ts";
import { redis } from "./servers/redis.ts";
import { bucket, credentials, r2 } from "./servers/r2.ts";
import { startServer } from "./servers/server.ts";

const timed = async (label: string, work: Promise<unknown>) => {
  const t = performance.now();
  const r = await Promise.race([work.then((v) => ["ok", v], (e) => ["err", String(e), e.retryable, e.code]), new Promise((r) => setTimeout(r, 40000, "HANG"))]);
  console.log(label, Math.round(performance.now() - t), r);
};
const value = new Uint8Array(10);
it("postgres close while paused", { timeout: 120000 }, async () => {
  const server = await startServer(postgres);
  const s = new StoragePostgres({ connectionString: server.address });
  await s.put("a/b", value);
  await Promise.all([1,2,3,4,5].map((n) => s.get("a/" + n)));
  server.pause();
  await timed("pg idle close", s.close());
  server.resume();
  const s2 = new StoragePostgres({ connectionString: server.address });
  await s2.put("a/b", value);
  server.pause();
  const p = timed("pg put", s2.put("a/c", value));
  await new Promise((r) => setTimeout(r, 300));
  await Promise.all([p, timed("pg busy close", s2.close())]);
  // child exit with paused server
  server.resume();
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", `
   import { StoragePostgres } from "dotflow/storage/postgres";
   const s = new StoragePostgres({ connectionString: process.argv[1] });
   await s.put("x/y", new Uint8Array(3)); console.log("ready");
   await new Promise(r => process.stdin.once("data", r));
   process.stdin.unref?.(); process.stdin.destroy();
   console.log("closing"); await s.close(); console.log("closed");
  `, server.address], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdout.on("data", (d) => { const t = String(d); console.log("child:", t); if (t.includes("ready")) { server.pause(); child.stdin.write("x"); } });
  await timed("pg child exit", once(child, "close"));
  child.kill("SIGKILL");
  server.resume();
  await server.stop();
});
it("redis", { timeout: 120000 }, async () => {
  const server = await startServer(redis);
  const s = new StorageRedis({ url: server.address });
  const c = s.connect(); 
  await Promise.all([timed("redis close amid connect", s.close()), timed("connect", c)]);
  const s2 = new StorageRedis({ url: server.address });
  await s2.put("a/b", value);
  server.pause();
  const p = timed("redis put", s2.put("a/c", value));
  await timed("redis close", s2.close());
  await p;
  server.resume();
  await server.stop();
});
it("s3 hung credentials", { timeout: 120000 }, async () => {
  const server = await startServer(r2);
  const s = new StorageS3({ bucket, endpoint: server.address, region: "auto", credentials: () => new Promise(() => {}) });
  await timed("s3 hung credentials", s.get("a/b"));
  await server.stop();
});
