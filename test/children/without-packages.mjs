// Preloaded with --import: the packages named in WITHOUT_PACKAGES count as not installed in this process.
import { register } from "node:module";

const hooks = `
  const missing = ${JSON.stringify((process.env.WITHOUT_PACKAGES ?? "").split(","))};
  export async function resolve(specifier, context, next) {
    if (!missing.includes(specifier)) return next(specifier, context);
    const text = "Cannot find package '" + specifier + "' imported from " + context.parentURL;
    throw Object.assign(new Error(text), { code: "ERR_MODULE_NOT_FOUND" });
  }`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
