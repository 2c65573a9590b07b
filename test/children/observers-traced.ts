// Runs a traced step that sends where its trace is, and kills itself there.
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { action, DotFlow } from "dotflow";
import { openTelemetry } from "dotflow/observers/opentelemetry";
import { StorageFile } from "dotflow/storage/file";

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(new BasicTracerProvider());

const [folder = ""] = process.argv.slice(2);
const workflow = new DotFlow({
  workflowId: "traced",
  storage: new StorageFile({ folder }),
  observers: [openTelemetry()],
});
workflow.task.add(
  action({ name: "step" }, async () => {
    const { traceId } = trace.getActiveSpan()?.spanContext() ?? {};
    await new Promise((resolve) => process.send?.({ traceId }, resolve));
    process.kill(process.pid, "SIGKILL");
    await new Promise(() => {});
  }),
);
await workflow.start();
