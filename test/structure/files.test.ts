// What holds for every file: short, opened by a comment, and free of traces of the machine it was written on.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { read, root, sourcesOf } from "./sources.ts";

const sources = sourcesOf("src", "providers", "testing", "cli");
const longest = 400;

it(`keeps every file at ${longest} lines or less`, () => {
  const lengths = sources.map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }));
  expect(lengths.filter(({ lines }) => lines > longest)).toEqual([]);
});

it("opens every file with a comment that says its job", () => {
  const silent = sources.filter(({ text }) => !/^(#!.*\n)?\/[/*]/.test(text));
  expect(silent.map(({ path }) => path)).toEqual([]);
});

it("names no folder of a private machine", () => {
  // Put together here, so that this file does not hold what it looks for.
  const folders = ["work", "root", "home", "Users"].join("|");
  const privatePath = new RegExp(`(?<![\\w.)}\\]-])/(${folders})/`);
  const found = committed().flatMap((path) =>
    read(path)
      .split("\n")
      .flatMap((line, index) => (privatePath.test(line) ? `${path}:${index + 1} ${line.trim()}` : [])),
  );
  expect(found).toEqual([]);
});

it("installs from whichever registry the user has", () => {
  for (const path of ["package.json", "package-lock.json", ".npmrc"]) {
    expect(read(path)).not.toMatch(/"resolved"|\bregistry\s*=|localhost|127\.0\.0\.1/);
  }
});

/** What is in git or would be added to it. */
function committed(): string[] {
  const args = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const paths = execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\0");
  return paths.filter((path) => path && existsSync(join(root, path)));
}
