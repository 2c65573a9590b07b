// The examples of a container, a Kubernetes CronJob and a GitHub Actions job: what they run, run here.
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { type Ended, root, testFolder } from "./commands.ts";

const folder = testFolder();
const env = { DOTFLOW_STORAGE: "file:checkpoints" };

interface CronJob {
  readonly spec: {
    readonly jobTemplate: {
      readonly spec: {
        readonly podFailurePolicy: { readonly rules: { readonly onExitCodes?: { readonly values: number[] } }[] };
        readonly template: { readonly spec: { readonly containers: { command: string[]; args: string[] }[] } };
      };
    };
  };
}

interface Job {
  readonly jobs: { readonly etl: { readonly steps: { readonly name?: string; readonly run?: string }[] } };
}

function read(path: string): string {
  return readFileSync(join(root, "examples", path), "utf8");
}

/** The command runs as the first, the second and the third time that the container starts. */
async function threeTimes(args: readonly string[]): Promise<Ended[]> {
  copyFileSync(join(root, "examples/container/workflow.ts"), join(folder.path, "workflow.ts"));
  const broken = read("container/workflow.ts").replace("console.log(", 'throw new Error("no route"); console.log(');
  const ended: Ended[] = [];
  for (const text of [broken, read("container/workflow.ts"), read("container/workflow.ts")]) {
    folder.write("workflow.ts", text);
    ended.push(await folder.runWith({ env }, ...args));
  }
  return ended;
}

function expectResumed([failed, resumed, anew]: readonly Ended[]): void {
  expect(failed?.code).toBe(1);
  expect(resumed).toMatchObject({ code: 0, stdout: expect.stringContaining("1 executed, 2 restored") });
  expect(anew).toMatchObject({ code: 0, stdout: expect.stringContaining("3 executed, 0 restored") });
}

it("the container goes on where the one before failed, and begins anew where it has completed", async () => {
  const dockerfile = read("container/Dockerfile");
  const words = (name: string): string[] =>
    JSON.parse(new RegExp(`^${name} (\\[.*\\])$`, "m").exec(dockerfile)?.[1] ?? "") as string[];
  expect(words("ENTRYPOINT")).toEqual(["node_modules/.bin/dotflow"]);
  expectResumed(await threeTimes(words("CMD")));
});

it("the CronJob does the same, and does not start a pod again that would end as before", async () => {
  const { podFailurePolicy, template } = (parse(read("kubernetes-cronjob/cronjob.yaml")) as CronJob).spec.jobTemplate
    .spec;
  const [container] = template.spec.containers;
  expect(container?.command).toEqual(["node_modules/.bin/dotflow"]);
  expectResumed(await threeTimes(container?.args ?? []));
  expect(podFailurePolicy.rules[0]?.onExitCodes?.values).toEqual([2, 3]);
});

it("the GitHub Actions job does the same, and can run again from a task on", async () => {
  const { steps } = (parse(read("github-actions/etl.yaml")) as Job).jobs.etl;
  const commands = steps.flatMap(({ run }) =>
    run?.startsWith("exec node_modules/.bin/dotflow ") ? [run.split(" ").slice(2)] : [],
  );
  const [resume = [], from = [], show = []] = commands;
  expectResumed(await threeTimes(resume));
  const again = await folder.runWith({ env }, ...from.map((word) => (word === '"$FROM"' ? "total" : word)));
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("2 executed, 1 restored") });
  expect((await folder.runWith({ env }, ...show)).stdout).toMatch(/^✓ completed {2}container {2}run /);
});
