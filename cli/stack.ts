// The stack of an error as far as it is about the user's own code.
import { join } from "node:path";
import { packageFolder } from "./version.ts";

/** Leaves out the lines that lie in this package and in Node itself, unless nothing else would be left. */
export function userStack(stack: string): string {
  const folder = packageFolder();
  const inside = ["node:", ...(folder === undefined ? [] : [join(folder, "dist")])];
  const lines = stack.split("\n");
  const isFrame = (line: string): boolean => /^\s+at /.test(line);
  const kept = lines.filter((line) => !isFrame(line) || !inside.some((part) => line.includes(part)));
  return (kept.some(isFrame) ? kept : lines).join("\n");
}
