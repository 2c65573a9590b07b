// Holds the values of a run of the signed workflow against one another.
import { expect } from "vitest";
import type { DotFlowOptions } from "dotflow";
import { type Signed, signedWorkflow } from "./signed.ts";

/** Resumes a run that has completed, and holds the values of its tasks against one another. Gives them. */
export async function expectConnected(options: DotFlowOptions): Promise<unknown> {
  const begun: string[] = [];
  const workflow = signedWorkflow(options, { begins: (what) => void begun.push(what) });
  const result = await workflow.start({ resume: "required" });
  expect(result).toMatchObject({ status: "completed", restored: 6 });
  expect(begun).toEqual([]);
  const contexts = await result.contexts();
  const [first, loop, map, gate, child, last] = ["first", "loop", "map", "gate", "child", "last"].map(
    (id) => contexts[id]?.storage,
  );
  expect((loop as { given: Signed }).given.given).toEqual(first);
  const items = (map as { given: unknown }[]).map(({ given }) => given);
  expect(items).toEqual(["a", "b"].map((name) => ({ name, from: loop })));
  expect((gate as Signed).given).toEqual(map);
  expect((last as Signed).given).toEqual(child);
  expect(await workflow.checkpoints.verify()).toEqual([]);
  return { first, loop, map, gate, child, last };
}
