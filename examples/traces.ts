// OpenTelemetry: spans of run, task and attempt, with a span of the step's own inside; a resumed run links to the start before.
//
// Prints:
//   workflow orders
//     task fetch
//       attempt fetch
//         ask the service
//     task store
//       attempt store
//   workflow orders, linked to the one before
//     task store
//       attempt store
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { action, DotFlow } from "dotflow";
import { openTelemetry } from "dotflow/observers/opentelemetry";

// Yours is most often NodeSDK of @opentelemetry/sdk-node, with an exporter that sends.
const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));

let broken = true;

const fetchOrders = action({ name: "fetch" }, async () =>
  trace.getTracer("own").startActiveSpan("ask the service", async (span) => {
    span.end();
    return ["order 1", "order 2"];
  }),
);

const store = action(async function store() {
  if (broken) throw new Error("The database is away.");
});

const workflow = new DotFlow({ workflowId: "orders", observers: [openTelemetry()] });
workflow.task.add(fetchOrders).add(store);

await workflow.start();
broken = false;
await workflow.start({ resume: true });

function print(parent: string | undefined, depth: number): void {
  const children = exporter.getFinishedSpans().filter((span) => span.parentSpanContext?.spanId === parent);
  const startOf = ({ startTime: [seconds, nanoseconds] }: ReadableSpan): number => seconds * 1e9 + nanoseconds;
  for (const span of children.sort((a, b) => startOf(a) - startOf(b))) {
    console.log(`${"  ".repeat(depth)}${span.name}${span.links.length > 0 ? ", linked to the one before" : ""}`);
    print(span.spanContext().spanId, depth + 1);
  }
}

print(undefined, 0);
