// LangGraph.js with its SQLite checkpointer, every checkpoint written before the next step, synchronous = FULL.
import { join } from "node:path";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import { Annotation, END, entrypoint, START, StateGraph, task } from "@langchain/langgraph";
import { compare, steps } from "./measure.mjs";

const config = { configurable: { thread_id: "bench" }, recursionLimit: 2 * steps, durability: "sync" };

// better-sqlite3 is built with synchronous = NORMAL for WAL files, which a power failure may take the last steps from.
function saverIn(folder) {
  const saver = SqliteSaver.fromConnString(join(folder, "langgraph.sqlite"));
  saver.setup();
  saver.db.pragma("synchronous = FULL");
  return saver;
}

/** Runs once up to a last step that fails, and once more from what was saved. */
async function twice(invoke, input) {
  let reached = 0;
  const last = () => {
    reached = performance.now();
    throw new Error("not yet");
  };
  const time = async (value) => {
    const start = performance.now();
    await invoke(last, value).catch((error) => {
      if (error.message !== "not yet") throw error;
    });
    return reached - start;
  };
  return { run: await time(input), resume: await time(null) };
}

await compare("LangGraph.js 1.4 graph, SQLite FULL", (folder) => {
  const checkpointer = saverIn(folder);
  const invoke = (last, input) =>
    new StateGraph(Annotation.Root({ count: Annotation() }))
      .addNode("step", ({ count }) => ({ count: count + 1 }))
      .addNode("last", last)
      .addEdge(START, "step")
      .addConditionalEdges("step", ({ count }) => (count < steps ? "step" : "last"))
      .addEdge("last", END)
      .compile({ checkpointer })
      .invoke(input, config);
  return twice(invoke, { count: 0 });
});

await compare("LangGraph.js 1.4 functional, SQLite FULL", (folder) => {
  const checkpointer = saverIn(folder);
  const invoke = (last, input) => {
    const step = task("step", async (count) => count + 1);
    const run = async () => {
      let count = 0;
      for (let index = 0; index < steps; index++) count = await step(count);
      return last();
    };
    return entrypoint({ name: "bench", checkpointer }, run).invoke(input, config);
  };
  return twice(invoke, "begin");
});
