// Checks the options of an observer once, when it is made, so that a misspelt one is not silently ignored.

/** What an option may be, and what it is where it is not given. */
interface Rule<Value> {
  readonly oneOf?: readonly unknown[];
  /** The name of a function that the value has. */
  readonly method?: string;
  readonly type?: "string" | "boolean" | "function" | "object";
  readonly default: Value;
}

type Rules<Values> = { readonly [Name in keyof Values]: Rule<Values[Name]> };

/** The options, each as it was given or as its rule says. Throws a `TypeError` that names what is wrong with which. */
export function chosen<Values extends object>(observer: string, given: object, rules: Rules<Values>): Values {
  if (typeof given !== "object" || given === null) throw new TypeError(`${observer}() takes an object of options.`);
  for (const name of Object.keys(given)) {
    if (!(name in rules))
      throw new TypeError(`${observer}() has no option "${name}". It has: ${Object.keys(rules).join(", ")}.`);
  }
  const entries = Object.entries<Rule<unknown>>(rules).map(([name, rule]) => {
    const value: unknown = (given as Record<string, unknown>)[name];
    if (value === undefined) return [name, rule.default];
    const need = needOf(value, rule);
    if (need !== undefined) throw new TypeError(`The option ${name} of ${observer}() must be ${need}.`);
    return [name, value];
  });
  // Each was checked by its rule.
  return Object.fromEntries(entries) as Values;
}

/** What the value would have to be; `undefined` where it is. */
function needOf(value: unknown, { oneOf, method, type }: Rule<unknown>): string | undefined {
  if (oneOf && !oneOf.includes(value)) return `one of ${oneOf.map((each) => JSON.stringify(each)).join(", ")}`;
  const isMissing = method !== undefined && typeof (value as Record<string, unknown> | null)?.[method] !== "function";
  if (isMissing) return `an object with the function ${method}`;
  if (type && (typeof value !== type || value === null)) return type === "object" ? "an object" : `a ${type}`;
  return undefined;
}
