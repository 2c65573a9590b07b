// Values to bytes and back: what is listed as supported comes back as it was.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { action, type Context, DotFlow, InvalidWorkflowError, SerializationError, StorageMemory } from "dotflow";
import { valueCodec } from "../../src/serializer.ts";

const codec = valueCodec([], undefined);
const throughBytes = <T>(value: T, by = codec): T => {
  const { form, bytes } = by.encode(value);
  // As a storage gives them: other bytes, at another place in their buffer.
  return by.decode({ form, bytes: Uint8Array.from([0, ...bytes]).subarray(1) }) as T;
};

describe("comes back as it was", () => {
  it.each<[string, unknown]>([
    ["null", null],
    ["undefined", undefined],
    ["0", 0],
    ["-0", -0],
    ["NaN", Number.NaN],
    ["Infinity", Infinity],
    ["-Infinity", -Infinity],
    ["a number that is no integer", 0.1 + 0.2],
    ["the largest integer", Number.MAX_SAFE_INTEGER],
    ["a text", 'with "quotes", \\ and \u2028 </script>'],
    ["a text that is no well-formed Unicode", "\ud800"],
    ["a bigint", -(2n ** 200n)],
    ["an empty list", []],
    ["a list with holes", Object.assign(Array<unknown>(4), { 1: 1, 3: undefined })],
    ["nested JSON", { a: [{ b: null, c: false }], "": {}, "a b": "" }],
    ["undefined in an object", { a: undefined, b: [undefined] }],
    ["-0 and NaN inside", { a: [-0, Number.NaN] }],
    ["keys that JSON has of its own", { toJSON: 1, constructor: 2, length: 3 }],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
    ["a Date", new Date("1850-01-01T00:00:00.001Z")],
    ["a RegExp", /a\/b[^"]/giu],
    ["a URL", new URL("https://user@host:8080/a%20b?c=d#e")],
    [
      "a Map",
      new Map<unknown, unknown>([
        [Number.NaN, -0],
        ["a", new Map([[null, undefined]])],
        [{ a: 1 }, 1n],
      ]),
    ],
    ["a Set", new Set<unknown>([undefined, "", { a: new Set([1]) }])],
    ["a Buffer", Buffer.from("some bytes")],
    ["an empty Buffer", Buffer.alloc(0)],
    ["an ArrayBuffer", new Uint8Array([1, 2, 3]).buffer],
    ["a DataView", new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 1)],
  ])("%s", (_, value) => {
    expect(throughBytes({ value })).toStrictEqual({ value });
    expect(throughBytes(value)).toStrictEqual(value);
  });

  it.each([
    Uint8Array,
    Int8Array,
    Uint8ClampedArray,
    Uint16Array,
    Int16Array,
    Uint32Array,
    Int32Array,
    Float32Array,
    Float64Array,
  ])("a %o, whole or a part", (Type) => {
    const whole = Type.from([1, 0, 255, 7]);
    expect(throughBytes(whole)).toStrictEqual(whole);
    expect(throughBytes(whole.subarray(1, 3))).toStrictEqual(Type.from([0, 255]));
  });

  it("typed arrays of bigints, and floats that are no numbers", () => {
    expect(throughBytes(new BigInt64Array([-1n, 2n ** 62n]))).toStrictEqual(new BigInt64Array([-1n, 2n ** 62n]));
    expect(throughBytes(new BigUint64Array([2n ** 63n]).subarray(0))).toStrictEqual(new BigUint64Array([2n ** 63n]));
    expect(throughBytes(new Float64Array([Number.NaN, -0]))).toStrictEqual(new Float64Array([Number.NaN, -0]));
  });

  it("a date that is none, and the place where a global expression goes on", () => {
    expect(throughBytes(new Date(Number.NaN)).getTime()).toBeNaN();
    expect(throughBytes(Object.assign(/a/g, { lastIndex: 2 })).lastIndex).toBe(2);
  });

  it("a list of which only a distant item is there, without a look at all that are not", () => {
    const back = throughBytes(Object.assign([], { 4_294_967_294: "last" }));
    expect([back.length, Object.entries(back)]).toEqual([4_294_967_295, [["4294967294", "last"]]]);
  });

  it("any JSON, as plain JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes("__proto__"));
        const { form, bytes } = codec.encode(value);
        if (form === "json") expect(Buffer.from(bytes).toString()).toBe(JSON.stringify(value));
        expect(throughBytes(value)).toStrictEqual(value);
      }),
    );
    expect(codec.encode({ a: [1, "x", null] })).toEqual({ form: "json", bytes: Buffer.from('{"a":[1,"x",null]}') });
  });

  it("any mixture of what is supported", () => {
    const anything = fc.anything({
      key: fc.string().filter((key) => key !== "__proto__"),
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        expect(throughBytes(value)).toStrictEqual(value);
      }),
    );
  });
});

describe("errors", () => {
  it.each([Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])(
    "keep all that they say: %o",
    (Type) => {
      const error = Object.assign(new Type("broken", { cause: new Map([["a", 1]]) }), {
        code: "E1",
        detail: { at: new Date(0) },
      });
      const back = throughBytes(error);
      expect(back).toBeInstanceOf(Type);
      expect(Object.getPrototypeOf(back)).toBe(Type.prototype);
      expect(back).toStrictEqual(error);
      expect([back.stack, Object.keys(back), String(back)]).toEqual([error.stack, ["code", "detail"], String(error)]);
      expect(back.cause).toStrictEqual(new Map([["a", 1]]));
    },
  );

  it("keep their list, their changed name and a cause of undefined", () => {
    expect(throughBytes(new AggregateError([new Error("a")], "all")).errors).toStrictEqual([new Error("a")]);
    expect(String(throughBytes(Object.assign(new Error("x"), { name: "Special" })))).toBe("Special: x");
    expect("cause" in throughBytes(new Error("x", { cause: undefined }))).toBe(true);
    expect("cause" in throughBytes(new Error("x"))).toBe(false);
  });
});

describe("references", () => {
  it("that are repeated point to one thing again", () => {
    const [shared, bytes, error] = [{ a: 1 }, Buffer.from("x"), new Error("x")];
    const back = throughBytes({
      list: [shared, bytes, error],
      map: new Map<unknown, unknown>([[shared, bytes]]),
      error,
    });
    expect(back.map.get(back.list[0])).toBe(back.list[1]);
    expect(back.error).toBe(back.list[2]);
  });

  it("that are circular close the circle again", () => {
    interface Ring {
      self?: Ring;
      readonly map: Map<unknown, unknown>;
      readonly error: Error & { of?: Ring };
    }
    const ring: Ring = { map: new Map(), error: new Error("x") };
    ring.self = ring;
    ring.map.set(ring, new Set([ring]));
    ring.error.of = ring;
    const back = throughBytes(ring);
    expect(back.self).toBe(back);
    expect(back.map.get(back)).toEqual(new Set([back]));
    expect(back.error.of).toBe(back);
  });
});

it("saves only the part of a buffer that a view shows: Node keeps other things beside it", () => {
  const neighbours = Buffer.from("secret|public|secret").subarray(7, 13);
  const { bytes } = codec.encode({ view: new Uint8Array(neighbours.buffer, neighbours.byteOffset, 6), neighbours });
  expect(Buffer.from(bytes).toString()).not.toContain(Buffer.from("secret|").toString("base64").slice(0, 8));
  expect(bytes.length).toBeLessThan(200);
});

it("does not notice what becomes of a value later", async () => {
  const rows = [1, 2];
  const storage = new StorageMemory();
  const start = (): Promise<unknown> => {
    const workflow = new DotFlow({ workflowId: "mutation", storage });
    workflow.task.add(action({ name: "give" }, () => ({ rows }))).add(
      action({ name: "spoil" }, (previous: Context<{ rows: number[] }>) => {
        rows.push(3);
        previous.storage.rows.push(4);
        return previous.storage;
      }),
    );
    return workflow.start({ resume: true }).then((result) => result.contexts());
  };
  const live = await start();
  expect(live).toMatchObject({ give: { storage: { rows: [1, 2] } }, spoil: { storage: { rows: [1, 2, 4] } } });
  expect(await start()).toEqual(live);
});

describe("a serializer of one's own", () => {
  const upper = {
    encode: (value: unknown) => Buffer.from(String(value).toUpperCase()),
    decode: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
  };

  it("replaces the built-in one", () => {
    const by = valueCodec([], upper);
    expect(by.encode("rows")).toEqual({ form: "custom", bytes: Buffer.from("ROWS") });
    expect(throughBytes("rows", by)).toBe("ROWS");
  });

  it("reads what was saved without it, and is asked for where it is missing", () => {
    expect(valueCodec([], upper).decode(codec.encode({ a: 1n }))).toEqual({ a: 1n });
    expect(() => codec.decode({ form: "custom", bytes: Buffer.from("X") })).toThrow(
      'The saved value has the form "custom". Give the workflow the same serializer as when it was saved.',
    );
  });

  it("that fails, or gives no bytes, is a SerializationError", () => {
    const failing = valueCodec([], { encode: () => expect.fail("no"), decode: () => expect.fail("no") });
    expect(() => failing.encode(1)).toThrow(SerializationError);
    expect(() => failing.encode(1)).toThrow("The serializer of the workflow refused the value: no");
    expect(() => failing.decode({ form: "custom", bytes: Buffer.from("") })).toThrow("can't be read back: no");
    const odd = valueCodec([], { encode: () => "text" as unknown as Uint8Array, decode: String });
    expect(() => odd.encode(1)).toThrow('The serializer of the workflow gave "text" instead of a Uint8Array.');
  });

  it("is refused without its two functions", () => {
    expect(() => new DotFlow({ serializer: {} as typeof upper })).toThrow(InvalidWorkflowError);
  });
});
