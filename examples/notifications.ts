// A failed run is told to a channel and to a webhook. A small server stands for both: it is busy at the first request, and takes
// the second one.
//
// Prints:
//   the channel is told:
//     nightly failed
//     "load" failed (2 attempts): Error: The warehouse is closed & dark
//     1 done, 0 restored, 1 failed, 0 skipped, after …
//     run …
//   the webhook is asked again with the same id: true, signed: true
//   the webhook is told: run.failed, failures: load
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { action, DotFlow } from "dotflow";
import { slack } from "dotflow/observers/slack";
import { webhook } from "dotflow/observers/webhook";

interface Told {
  readonly path: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: { text: string; type: string; data: { failures: { taskId: string }[] } };
}

const told: Told[] = [];
const server = createServer((request, response) => {
  let text = "";
  request.on("data", (part: Buffer) => (text += part.toString()));
  request.on("end", () => {
    told.push({ path: request.url, headers: request.headers, body: JSON.parse(text) as Told["body"] });
    const isFirst = told.filter(({ path }) => path === request.url).length === 1;
    response.writeHead(isFirst ? 503 : 200).end();
  });
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const workflow = new DotFlow({
  workflowId: "nightly",
  observers: [
    // In life: process.env.SLACK_WEBHOOK_URL, and no retryDelay.
    slack({ webhookUrl: `${address}/channel`, retryDelay: "10ms" }),
    webhook({ url: `${address}/hook`, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", retryDelay: "10ms" }),
  ],
});
workflow.task.add(action(function extract() {})).add(
  action({ retry: 2, retryDelay: 0 }, function load() {
    throw new Error("The warehouse is closed & dark");
  }),
);
await workflow.start();

const [, message] = told.filter(({ path }) => path === "/channel");
const [first, again] = told.filter(({ path }) => path === "/hook");
console.log("the channel is told:");
for (const line of message!.body.text.replace("&amp;", "&").split("\n")) console.log(`  ${line}`);
const isSame = first!.headers["webhook-id"] === again!.headers["webhook-id"];
const isSigned = String(again!.headers["webhook-signature"]).startsWith("v1,");
console.log(`the webhook is asked again with the same id: ${isSame}, signed: ${isSigned}`);
const { type, data } = again!.body;
console.log(`the webhook is told: ${type}, failures: ${data.failures.map(({ taskId }) => taskId).join(", ")}`);
server.closeAllConnections();
server.close();
