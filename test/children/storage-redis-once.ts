// A script that uses StorageRedis and never closes it: it ends by itself when its work is done. Says what it saw.
import { action, DotFlow } from "dotflow";
import { StorageRedis } from "dotflow/storage/redis";

const [url = "", prefix = ""] = process.argv.slice(2);

try {
  const storage = new StorageRedis({ url, prefix });
  const workflow = new DotFlow({ workflowId: "job", storage });
  workflow.task.add(
    action(async function greet() {
      // Longer than a turn of the event loop, with nothing but the connection beside it.
      await new Promise((resolve) => setTimeout(resolve, 50));
      return "hello";
    }),
  );
  const result = await workflow.start();
  console.log(JSON.stringify({ status: result.status, output: await result.output(), durable: storage.durable }));
} catch (error) {
  const { name, code, cause } = error as { name: string; code?: string; cause?: unknown };
  console.log(JSON.stringify({ name, code, message: (error as Error).message, cause: String(cause) }));
}
