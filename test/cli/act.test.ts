// What the command does to saved runs: signal, cancel, clear, prune, export, import.
import { describe, expect, it } from "vitest";
import { approval, etl, patient, testFolder } from "./commands.ts";

const folder = testFolder();

async function runs(workflowId: string): Promise<number> {
  return (await folder.run("ls", workflowId, "--json")).stdout.split("\n").length - 1;
}

describe("signal", () => {
  it("lets a run go on that waits in place", async () => {
    folder.write("approval.ts", approval);
    const waiting = folder.start(["run", "approval.ts", "--wait"]);
    await expect.poll(() => waiting.stdout(), { timeout: 20_000 }).toContain('ask waits for signal "approval"');
    const { code, stdout } = await folder.run("signal", "approval", "approval", '"yes"');
    expect(code).toBe(0);
    expect(stdout).toBe(
      `The signal "approval" of workflow "approval" is saved: process ${waiting.child.pid} drives it and will find it.\n`,
    );
    expect((await waiting.ended).code).toBe(0);
    expect((await folder.run("output", "approval", "ask")).stdout).toBe("yes\n");
    const late = await folder.run("signal", "approval", "approval");
    expect(late.code).toBe(2);
    expect(late.stderr).toContain("has completed");
  });

  it("refuses what is no JSON, and says how a text is written", async () => {
    folder.write("approval.ts", approval);
    await folder.run("run", "approval.ts");
    const { code, stderr } = await folder.run("signal", "approval", "approval", "yes");
    expect(code).toBe(2);
    expect(stderr).toContain(`A text needs quotes of its own: '"yes"'.`);
  });
});

describe("cancel", () => {
  it("ends a run that another process drives, which saves what is done", async () => {
    folder.write("patient.ts", patient);
    const driver = folder.start(["run", "patient.ts"]);
    await folder.waitForFile("begun");
    const { code, stdout } = await folder.run("cancel", "patient");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Asked process \d+ on \S+ to end run \S+\. It hears of it at its next renewal\.\nIt has ended: cancelled\.\n$/,
    );
    expect(stdout).toContain(`process ${driver.child.pid} `);
    expect(await driver.ended).toMatchObject({ code: 130, stdout: expect.stringContaining("1 executed") });
    folder.write("release", "");
    expect((await folder.run("resume", "patient.ts")).stdout).toContain("1 executed, 1 restored");
  });

  it("says with exit code 1 that nobody drives", async () => {
    folder.write("etl.ts", etl);
    await folder.run("run", "etl.ts");
    expect(await folder.run("cancel", "my-etl")).toEqual({
      code: 1,
      stdout: "",
      stderr: 'Nobody drives workflow "my-etl", so there is nothing to cancel.\n',
    });
  });
});

describe("clear and prune", () => {
  it("remove nothing without --yes where nobody can be asked", async () => {
    folder.write("etl.ts", etl);
    await folder.run("run", "etl.ts");
    for (const args of [
      ["clear", "my-etl"],
      ["prune", "my-etl", "--keep", "0"],
    ]) {
      const { code, stderr } = await folder.run(...args);
      expect(code).toBe(2);
      expect(stderr).toContain("Give --yes to do it.");
    }
    expect(await runs("my-etl")).toBe(1);
  });

  it("remove what they are asked for", async () => {
    folder.write("etl.ts", etl);
    for (let count = 0; count < 4; count++) await folder.run("run", "etl.ts");
    expect((await folder.run("prune", "my-etl", "--older-than", "1h", "--yes")).stdout).toBe("Removed 0 runs.\n");
    expect((await folder.run("prune", "my-etl", "--keep", "2", "--yes")).stdout).toBe("Removed 2 runs.\n");
    expect(await runs("my-etl")).toBe(2);
    expect((await folder.run("clear", "my-etl", "--yes")).stdout).toBe("Removed 2 runs.\n");
    expect((await folder.run("ls")).stdout).toContain("There are no workflows");
  });

  it("refuse what can't be meant", async () => {
    folder.write("etl.ts", etl);
    await folder.run("run", "etl.ts");
    expect((await folder.run("prune", "my-etl", "--yes")).stderr).toContain(
      "prune needs --keep, --older-than, or both.",
    );
    expect((await folder.run("prune", "my-etl", "--older-than", "long", "--yes")).code).toBe(2);
    expect((await folder.run("prune", "my-etl", "--keep", "-1", "--yes")).code).toBe(2);
    expect((await folder.run("clear", "my-elt", "--yes")).stderr).toContain('Did you mean "my-etl"?');
    expect(await runs("my-etl")).toBe(1);
  });

  it("leave a workflow alone that is driven", async () => {
    folder.write("patient.ts", patient);
    const driver = folder.start(["run", "patient.ts"]);
    await folder.waitForFile("begun");
    expect((await folder.run("clear", "patient", "--yes")).code).toBe(4);
    folder.write("release", "");
    expect((await driver.ended).code).toBe(0);
  });
});

describe("export and import", () => {
  it("carry a run to another storage, where a resume goes on with it", async () => {
    folder.write("etl.ts", etl);
    folder.write("broken", "");
    await folder.run("run", "etl.ts");
    const exported = await folder.run("export", "my-etl", "--output", "my-etl.run");
    expect(exported.stdout).toMatch(/^Wrote my-etl\.run, \d.* k?B\.\n$/);
    const again = await folder.run("export", "my-etl", "--output", "my-etl.run");
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("--force");
    expect((await folder.run("export", "my-etl", "--output", "my-etl.run", "--force")).code).toBe(0);
    const other = ["--storage", "sqlite:other.db"];
    const imported = await folder.run("import", "my-etl.run", ...other);
    expect(imported.stdout).toMatch(/^Run \S+ of workflow "my-etl" is in the storage sqlite:other\.db\. /);
    folder.write("etl.ts", etl.replace('existsSync("broken")', "false"));
    expect((await folder.run("resume", "etl.ts", ...other)).stdout).toContain("2 executed, 1 restored");
  });

  it("refuse a file that is none", async () => {
    folder.write("other.txt", "something else");
    expect((await folder.run("import", "other.txt")).code).toBe(1);
    expect((await folder.run("import", "missing.run")).code).toBe(2);
  });
});
