// Does what docs/walk-through.md tells, command by command, and holds what is printed against what stands there.
// With RECORD=1 it writes what is printed into the page instead.
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { program, root, testFolder } from "./commands.ts";

const folder = testFolder();
const page = join(root, "docs/walk-through.md");

it("goes as docs/walk-through.md tells", () => {
  const text = readFileSync(page, "utf8");
  folder.write("bin/dotflow", `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(join(folder.path, "bin/dotflow"), 0o755);
  const played = text.replace(/^```(ts|console)\n([^]*?)^```$/gm, (_all, kind: string, body: string) => {
    if (kind === "console") return `\`\`\`console\n${play(body)}\`\`\``;
    const name = /^\/\/ (\S+)\n/.exec(body)?.[1] ?? "";
    folder.write(name, body);
    return `\`\`\`ts\n${body}\`\`\``;
  });
  if (process.env["RECORD"]) writeFileSync(page, played);
  expect(constant(played)).toEqual(constant(text));
});

/** The commands of a block, each with what it prints now. */
function play(body: string): string {
  const commands = body.split("\n").flatMap((line) => (line.startsWith("$ ") ? [line.slice(2)] : []));
  const shown = (command: string): string => `echo '$ ${command.replaceAll("'", `'\\''`)}'`;
  const script = commands.map((command) => `${shown(command)}\n(exit $status)\n${command}\nstatus=$?\n`).join("");
  const env = folder.env({ PATH: `${join(folder.path, "bin")}:${process.env["PATH"]}` });
  // A shell script prints the number of its line with what was killed; a person's shell does not.
  const { stdout } = spawnSync("bash", ["-c", `exec 2>&1\n${script}`], { cwd: folder.path, env, encoding: "utf8" });
  return stdout.replaceAll(folder.path, "/report").replace(/^bash: line \d+: +\d+ Killed .*$/gm, "Killed");
}

/** Without what differs each time: ids of runs, times, how long it took. */
function constant(text: string): string[] {
  return text
    .replace(/\d{8}t\d{9}z-\d+-[0-9a-f]{8}/g, "RUN")
    .replace(/(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d/g, "TIME")
    .replace(/\d+(\.\d+)? s\b/g, "SECONDS")
    .split("\n");
}
