import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pack, unknown, unpack, type Value } from "../../src/terraform/msgpack.ts";
import { decode, encode } from "../../src/terraform/protobuf.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("MessagePack", () => {
  // Each form of the format, as its specification writes it.
  it.each<[string, string, Value]>([
    ["nil", "c0", null],
    ["true", "c3", true],
    ["positive fixint", "7f", 127],
    ["negative fixint", "e0", -32],
    ["uint 8", "cc ff", 255],
    ["uint 16", "cd ff ff", 65535],
    ["uint 32", "ce ff ff ff ff", 4294967295],
    ["uint 64", "cf ff ff ff ff ff ff ff ff", 18446744073709551615n],
    ["a small uint 64", "cf 00 00 00 00 00 00 00 05", 5],
    ["int 8", "d0 80", -128],
    ["int 16", "d1 80 00", -32768],
    ["int 32", "d2 80 00 00 00", -2147483648],
    ["int 64", "d3 00 20 00 00 00 00 00 01", 9007199254740993n],
    ["float 32", "ca 3f 00 00 00", 0.5],
    ["float 64", "cb 3f b9 99 99 99 99 99 9a", 0.1],
    ["fixstr", "a2 c3 a4", "ä"],
    ["str 8", `d9 01 61`, "a"],
    ["str 16", `da 00 01 61`, "a"],
    ["str 32", `db 00 00 00 01 61`, "a"],
    ["fixarray", "92 01 c0", [1, null]],
    ["array 16", "dc 00 01 01", [1]],
    ["array 32", "dd 00 00 00 01 01", [1]],
    ["fixmap", "81 a1 61 01", { a: 1 }],
    ["map 16", "de 00 01 a1 61 01", { a: 1 }],
    ["map 32", "df 00 00 00 01 a1 61 01", { a: 1 }],
    ["unknown", "92 d4 00 00 01", [unknown, 1]],
    ["a refined unknown", "92 c7 02 0c 81 01 01", [unknown, 1]],
    ["bin 8", "c4 01 ff", Buffer.of(255)],
    ["bin 16", "c5 00 01 ff", Buffer.of(255)],
    ["bin 32", "c6 00 00 00 01 ff", Buffer.of(255)],
    ["a longer unknown", "92 d6 0c 00 00 00 00 01", [unknown, 1]],
  ])("reads %s", (_, bytes, value) => {
    expect(unpack(hex(bytes))).toEqual(value);
  });

  it("writes what it reads", () => {
    const { value } = fc.letrec<{ value: Value }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<Value>(null, true, false, unknown),
        fc.string({ unit: "grapheme" }),
        fc.double({ noNaN: true }).filter((n) => !Object.is(n, -0)),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).filter((n) => !Number.isSafeInteger(Number(n))),
        fc.array(tie("value")),
        fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), tie("value")),
      ),
    }));
    fc.assert(
      fc.property(value, (given) => {
        expect(unpack(pack(given))).toEqual(given);
      }),
    );
  });

  it("refuses what is cut short", () => {
    for (const bytes of ["", "a2 61", "92 01", "cb 00", "d4 00"]) expect(() => unpack(hex(bytes))).toThrow("cut short");
    expect(() => unpack(hex("c1"))).toThrow("0xc1");
  });
});

describe("protocol buffers", () => {
  // Field 1 is tag 0x0a, with its length and its bytes; field 2 of a schema is a message.
  it("writes the wire format", () => {
    expect(encode("DynamicValue", { msgpack: Buffer.of(0xc0) })).toEqual(hex("0a 01 c0"));
    expect(encode("ServerCapabilities", { planDestroy: true, schemaOptional: false })).toEqual(hex("08 01 10 00"));
    expect(encode("Diagnostic", { severity: 300 })).toEqual(hex("08 ac 02"));
    const schema = { version: 1, block: { description: "é" } };
    const entry = "0a 01 61 12 08 08 01 12 04 22 02 c3 a9";
    expect(encode("GetProviderSchemaResponse", { resourceSchemas: { a: schema } })).toEqual(hex(`12 0d ${entry}`));
    expect(decode("GetProviderSchemaResponse", hex(`12 0d ${entry}`))).toEqual({ resourceSchemas: { a: schema } });
  });

  it("passes over what a newer Terraform sends besides", () => {
    const more = "18 05 21 0000000000000000 2a 01 61 35 00000000";
    expect(decode("DynamicValue", hex(`${more} 0a 01 c0 ${more}`))).toEqual({ msgpack: Buffer.of(0xc0) });
  });

  it("reads what it writes", () => {
    const step = fc.oneof(
      fc.record({ attribute: fc.string({ unit: "grapheme" }) }),
      fc.record({ key: fc.string() }),
      fc.record({ index: fc.nat({ max: Number.MAX_SAFE_INTEGER }) }),
    );
    const message = fc.record({
      summary: fc.string(),
      attribute: fc.record({ steps: fc.array(step, { minLength: 1 }) }),
    });
    fc.assert(
      fc.property(message, (given) => {
        expect(decode("Diagnostic", encode("Diagnostic", given))).toEqual(given);
      }),
    );
  });

  it("refuses what is cut short", () => {
    for (const bytes of ["0a", "0a 02 c0", "80", "09 00"])
      expect(() => decode("DynamicValue", hex(bytes))).toThrow("cut short");
    expect(() => decode("DynamicValue", hex("0b"))).toThrow("kind 3");
  });
});
