// What the docs must name: every dependency with its reason, every error with its code.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { read, root, sourcesOf } from "./sources.ts";

it("names every dependency in ARCHITECTURE.md", () => {
  const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
  const page = readPage("ARCHITECTURE.md");
  expect(Object.keys(dependencies).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

it("gives every error its own code", () => {
  const codes = errorClasses().map(({ code }) => code);
  expect(codes).not.toContain(undefined);
  expect(codes).toEqual([...new Set(codes)]);
});

it("has a section with its code in docs/errors.md for every error", () => {
  const sections = readPage("docs/errors.md").split(/^#+ /m);
  const missing = errorClasses().filter(
    ({ name, code }) => !sections.some((text) => new RegExp(`^\\W*${name}\\b[^]*\\b${code}\\b`).test(text)),
  );
  expect(missing).toEqual([]);
});

function readPage(path: string): string {
  expect(existsSync(join(root, path)), `${path} is not written yet`).toBe(true);
  return read(path);
}

function errorClasses(): { name: string; code: string | undefined }[] {
  const classes: { name: string; code: string | undefined }[] = [];
  const source = sourcesOf("src").find(({ path }) => path === "src/errors.ts");
  source?.visit({
    ClassDeclaration({ id, body }) {
      const property = body.body.find(
        (member) => "key" in member && "name" in member.key && member.key.name === "code",
      );
      const value =
        property?.type === "PropertyDefinition" && property.value?.type === "Literal" && property.value.value;
      classes.push({ name: id?.name ?? "", code: typeof value === "string" ? value : undefined });
    },
  });
  expect(classes).not.toEqual([]);
  return classes;
}
