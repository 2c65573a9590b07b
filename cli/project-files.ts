// The files of a new project, as texts.

export interface ProjectChoices {
  readonly workflowId: string;
  readonly language: "ts" | "js";
  readonly style: "functions" | "decorators";
  /** Of this package. */
  readonly version: string;
}

export function projectFiles(choices: ProjectChoices): Map<string, string> {
  const { language } = choices;
  return new Map([
    ["package.json", manifest(choices)],
    [".gitignore", "node_modules/\n.dotflow/\n"],
    ...(language === "ts" ? [["tsconfig.json", tsconfig] as const] : []),
    [`workflow.${language}`, workflow(choices)],
    [`workflow.test.${language}`, test(choices)],
    ["README.md", readme(choices)],
  ]);
}

function manifest({ workflowId, language, version }: ProjectChoices): string {
  const name =
    workflowId
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, "-")
      .replace(/^-+|-+$/g, "") || "my-workflow";
  const isTypeScript = language === "ts";
  return json({
    name,
    private: true,
    type: "module",
    scripts: {
      start: `dotflow run workflow.${language}`,
      resume: `dotflow resume workflow.${language}`,
      test: isTypeScript ? "node --import tsx --test workflow.test.ts" : "node --test workflow.test.js",
      ...(isTypeScript && { types: "tsc" }),
    },
    dependencies: { dotflow: /^\d/.test(version) ? `^${version}` : "*" },
    ...(isTypeScript && { devDependencies: { "@types/node": "^20.19.0", tsx: "^4.20.0", typescript: ">=5.2" } }),
  });
}

const tsconfig = json({
  compilerOptions: {
    target: "es2022",
    lib: ["es2023", "esnext.decorators"],
    module: "nodenext",
    moduleResolution: "nodenext",
    allowImportingTsExtensions: true,
    types: ["node"],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  },
  include: ["*.ts"],
});

function workflow({ workflowId, language, style }: ProjectChoices): string {
  const typed = language === "ts";
  const head = `// What each step gives is saved before the next one begins. After a failure or a crash:
//   npx dotflow resume workflow.${language}
import { action, ${typed ? "type Context, " : ""}DotFlow${typed ? ", type DotFlowOptions" : ""} } from "dotflow";
`;
  const steps = style === "decorators" ? classOfSteps : typed ? typedFunctions : plainFunctions;
  const add =
    style === "decorators" ? "workflow.task.add(new Etl());" : "workflow.task.add(extract).add(transform).add(load);";
  return `${head}
${steps}
export function makeWorkflow(options${typed ? "?: DotFlowOptions" : ""}) {
  const workflow = new DotFlow({ workflowId: ${JSON.stringify(workflowId)}, ...options });
  ${add}
  return workflow;
}

export default makeWorkflow();
`;
}

const typedFunctions = `export const extract = action(async function extract() {
  return { rows: [1, 2, 3] };
});

export const transform = action(
  { retry: 3, retryDelay: "1s", backoff: true },
  async function transform(previous: Context<{ rows: number[] }>) {
    return previous.storage.rows.map((row) => row * 10);
  },
);

export const load = action(async function load(previous: Context<number[]>) {
  return \`loaded \${previous.storage.join(", ")}\`;
});
`;

const plainFunctions = typedFunctions.replaceAll(/: Context<.*>\)/g, ")");

const classOfSteps = `export class Etl {
  @action
  async extract() {
    return { rows: [1, 2, 3] };
  }

  @action({ retry: 3, retryDelay: "1s", backoff: true })
  async transform(previous: Context<{ rows: number[] }>) {
    return previous.storage.rows.map((row) => row * 10);
  }

  @action
  async load(previous: Context<number[]>) {
    return \`loaded \${previous.storage.join(", ")}\`;
  }
}
`;

function test({ language }: ProjectChoices): string {
  return `// Runs the workflow over memory: nothing is left behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { StorageMemory } from "dotflow";
import { makeWorkflow } from "./workflow.${language}";

test("loads what was extracted, and a resume calls no step again", async () => {
  const storage = new StorageMemory();
  const first = await makeWorkflow({ storage }).start();
  assert.equal(first.status, "completed");
  assert.equal(await first.output(), "loaded 10, 20, 30");

  const second = await makeWorkflow({ storage }).start({ resume: true });
  assert.equal(second.restored, 3);
  assert.equal(await second.output(), "loaded 10, 20, 30");
});
`;
}

function readme({ workflowId, language }: ProjectChoices): string {
  return `# ${workflowId}

\`\`\`sh
npm install
npm test
npx dotflow run workflow.${language}         # a new run; what is saved lies in .dotflow
npx dotflow show ${workflowId}
npx dotflow resume workflow.${language}      # after a failure or a crash: goes on from what is saved
\`\`\`
`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
