// What can't be saved: it is refused with the path to it, never saved as something else.
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { type ClassCodec, InvalidWorkflowError, SerializationError, StepTimeoutError } from "dotflow";
import { valueCodec } from "../../src/serializer.ts";

const codec = valueCodec([], undefined);

/** The error of encoding `value`. */
function refusal(value: unknown, by = codec): SerializationError {
  try {
    by.encode(value);
  } catch (error) {
    expect(error).toBeInstanceOf(SerializationError);
    return error as SerializationError;
  }
  throw new Error("It was encoded.");
}

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}

describe("is refused", () => {
  it.each<[string, unknown, string]>([
    ["a function", function load() {}, "a function (load)"],
    ["a symbol", Symbol("x"), "a symbol"],
    ["an instance of a class", new Money(5), "an instance of Money"],
    ["an instance of a subclass of what can be saved", new (class Rows extends Array {})(), "an instance of Rows"],
    ["an error of a class of one's own", new StepTimeoutError("late"), "an instance of StepTimeoutError"],
    ["a DOMException", new DOMException("x", "AbortError"), "an instance of DOMException"],
    ["a promise", Promise.resolve(1), "an instance of Promise"],
    ["a WeakMap", new WeakMap(), "an instance of WeakMap"],
    ["a generator", (function* () {})(), "an instance of an unnamed class"],
    ["shared memory", new SharedArrayBuffer(1), "an instance of SharedArrayBuffer"],
    ["an object with a symbol", { [Symbol("x")]: 1 }, "an object with symbols or hidden properties"],
    [
      "an object with a hidden property",
      Object.defineProperty({}, "x", { value: 1 }),
      "an object with symbols or hidden",
    ],
    ["a list with properties", Object.assign([1], { x: 1 }), "an array with properties of its own"],
    ["a list with holes and properties", Object.assign(Array(2), { x: 1 }), "an array with properties of its own"],
    [
      "a list with as many properties as holes",
      Object.assign(Array(1), { x: 1 }),
      "an array with properties of its own",
    ],
    ["a list with holes and a symbol", Object.assign(Array(3), { 0: 1, [Symbol("x")]: 1 }), "an array with properties"],
    [
      "a list with what looks like an index",
      Object.assign(Array(3), { "01": 1 }),
      "an array with properties of its own",
    ],
    [
      "a list with a number too high for an index",
      Object.assign([1], { 4_294_967_295: 1 }),
      "an array with properties",
    ],
    ["what a RegExp finds", /b/.exec("abc"), "an array with properties of its own"],
    ["a Map with properties", Object.assign(new Map(), { x: 1 }), "a Map with properties of its own"],
    ["a Set with properties", Object.assign(new Set(), { x: 1 }), "a Set with properties of its own"],
    ["a Date with properties", Object.assign(new Date(), { x: 1 }), "a Date with properties of its own"],
    ["an error with a symbol", Object.assign(new Error("x"), { [Symbol("x")]: 1 }), "an object with symbols"],
  ])("%s", (_, value, what) => {
    const error = refusal({ rows: [value] });
    expect(error.path).toBe("value.rows[0]");
    expect(error.message).toMatch(
      /^value\.rows\[0\] is .+, which can't be saved without loss\. Give plain data, or register/,
    );
    expect(error.message).toContain(what);
    expect(refusal(value).path).toBe("value");
  });

  it("what throws when it is looked at", () => {
    const cause = new Error("no look");
    const getter = Object.defineProperty({}, "x", {
      enumerable: true,
      get: () => {
        throw cause;
      },
    });
    expect(refusal(getter)).toMatchObject({ message: "The value can't be saved: no look", cause });
  });

  it.each<[string, (inner: unknown) => unknown]>([
    ["lists", (inner) => [inner]],
    ["maps", (inner) => new Map([[1, inner]])],
    ["errors", (inner) => new Error("x", { cause: inner })],
  ])("what is nested too deeply: %s", (_, nest) => {
    let value: unknown = 1;
    for (let depth = 0; depth < 100_000; depth++) value = nest(value);
    expect(refusal(value).message).toBe("The value is nested too deeply to be saved. Flatten it.");
  });
});

describe("the path", () => {
  const fn = (): void => {};

  it.each<[unknown, string]>([
    [{ "two words": { "1a": [[fn]] } }, 'value["two words"]["1a"][0][0]'],
    [{ 'a"b': fn }, 'value["a\\"b"]'],
    [new Map([["key", { a: fn }]]), 'value.get("key").a'],
    [new Map([[{ a: fn }, 1]]), "value.keys().a"],
    [new Map([[{}, fn]]), "value.get(…)"],
    [[new Set([{ a: fn }])], "value[0].values().a"],
    [{ error: Object.assign(new Error("x"), { request: { fn } }) }, "value.error.request.fn"],
    [new Error("x", { cause: [fn] }), "value.cause[0]"],
    [Object.assign(Array(9), { 7: fn }), "value[7]"],
  ])("leads to the part: %o", (value, path) => {
    expect(refusal(value).path).toBe(path);
  });
});

describe("a registered class", () => {
  const money: ClassCodec<Money, number> = {
    class: Money,
    name: "money",
    encode: ({ cents }) => cents,
    decode: (cents) => new Money(cents),
  };
  class Tree {
    readonly children: unknown[];
    constructor(children: unknown[]) {
      this.children = children;
    }
  }
  const tree: ClassCodec<Tree, unknown[]> = {
    class: Tree,
    name: "tree",
    encode: ({ children }) => children,
    decode: (children) => new Tree(children),
  };
  const by = valueCodec([money, tree], undefined);
  const back = <T>(value: T): T => by.decode(by.encode(value)) as T;

  it("comes back as an instance, wherever it stands", () => {
    const five = new Money(5);
    const value = back({ five, map: new Map([[five, [five]]]), tree: new Tree([five, new Tree([])]) });
    expect(value).toStrictEqual({ five, map: new Map([[five, [five]]]), tree: new Tree([five, new Tree([])]) });
    expect(value.map.has(value.five)).toBe(true);
  });

  it("may hold what holds it, but not itself", () => {
    const root: { tree: Tree } = { tree: new Tree([]) };
    root.tree.children.push(root);
    const again = back(root);
    expect(again.tree.children[0]).toBe(again);
    const error = refusal(root.tree, by);
    expect(error.path).toBe("value[0].tree");
    expect(error.message).toContain(
      "an object that it is itself a part of, which can't be saved without loss. Break this cycle",
    );
  });

  it("is not its subclasses", () => {
    expect(refusal(new (class Euro extends Money {})(1), by).message).toContain("an instance of Euro");
  });

  it("gives the path inside what its encode gives", () => {
    expect(refusal({ tree: new Tree([{ fn: () => {} }]) }, by).path).toBe("value.tree[0].fn");
  });

  it("that can't be read back fails at once, not when the run is resumed", () => {
    const broken = { ...money, decode: () => expect.fail("lost") } as ClassCodec;
    expect(refusal(new Money(1), valueCodec([broken], undefined)).message).toBe(
      "The saved value can't be read back: lost",
    );
    const silent = { ...money, encode: () => expect.fail("secret") } as ClassCodec;
    expect(refusal(new Money(1), valueCodec([silent], undefined)).message).toBe("The value can't be saved: secret");
  });

  it("is asked for when it is missing at a resume", () => {
    const encoded = by.encode(new Money(1));
    expect(() => codec.decode(encoded)).toThrow(
      'The saved value can\'t be read back: it holds an instance of "money". Register that class with the option classes',
    );
  });

  it.each<[unknown[], string]>([
    [[{ class: Money, name: "", encode: String, decode: Number }], 'The option classes has the entry "".'],
    [
      [{ name: "money", encode: String, decode: Number }],
      'The option classes has the entry "money". Each entry needs class',
    ],
    [[money, { ...money, class: Tree }], "The option classes has two entries with the same name."],
  ])("is refused where it is not complete", (classes, message) => {
    expect(() => valueCodec(classes as ClassCodec[], undefined)).toThrow(InvalidWorkflowError);
    expect(() => valueCodec(classes as ClassCodec[], undefined)).toThrow(message);
  });
});

it("takes plain objects and lists of another realm, as test runners make them", () => {
  const value: unknown = runInNewContext('({ rows: [1, { a: ["x"] }], error: null })');
  expect(codec.decode(codec.encode(value))).toStrictEqual({ rows: [1, { a: ["x"] }], error: null });
  expect(refusal(runInNewContext("class Rows extends Array {}; new Rows()")).message).toContain("an instance of Rows");
});
