import { describe, expect, test } from "bun:test";
import { Field } from "../http/field.ts";
import { newSpanId } from "./context.ts";
import { findContext } from "./propagation.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const NEW = "1122334455667788";
const PARENT = "99aabbccddeeff00";

type Fields = readonly (readonly [name: string, value: string])[];

const fieldsOf = (fields: Fields) =>
  fields.map(([name, value]) => Field.of(name, value));
const textsOf = (fields: readonly Field[]) =>
  fields.map(({ name, text }) => [name.text, text]);

/** OpenCensus' form of a context. */
function binary(trace: string, span: string, flags: string): string {
  return Buffer.from(`0000${trace}01${span}${flags}`, "hex")
    .toString("base64").replace(/=+$/, "");
}

describe("a context is found, and the span's id alone replaced", () => {
  const wide = "0".repeat(16) + TRACE.slice(16);
  const cases: {
    what: string;
    fields: Fields;
    sampled: boolean;
    trace?: string;
    written: Fields;
  }[] = [
    {
      what: "traceparent, sampled, with tracestate",
      fields: [
        ["traceparent", `00-${TRACE}-${SPAN}-01`],
        ["tracestate", "a=1,b=2"],
        ["accept", "*/*"],
      ],
      sampled: true,
      written: [
        ["traceparent", `00-${TRACE}-${NEW}-01`],
        ["tracestate", "a=1,b=2"],
        ["accept", "*/*"],
      ],
    },
    {
      what: "traceparent with flags that we do not know",
      fields: [["traceparent", `00-${TRACE}-${SPAN}-fe`]],
      sampled: false,
      written: [["traceparent", `00-${TRACE}-${NEW}-fe`]],
    },
    {
      what: "grpc-trace-bin",
      fields: [["grpc-trace-bin", binary(TRACE, SPAN, "0201")]],
      sampled: true,
      written: [["grpc-trace-bin", binary(TRACE, NEW, "0201")]],
    },
    {
      what: "grpc-trace-bin without flags",
      fields: [["grpc-trace-bin", binary(TRACE, SPAN, "")]],
      sampled: false,
      written: [["grpc-trace-bin", binary(TRACE, NEW, "")]],
    },
    {
      what: "B3",
      fields: [
        ["x-b3-traceid", TRACE],
        ["x-b3-spanid", SPAN],
        ["x-b3-sampled", "1"],
      ],
      sampled: true,
      written: [
        ["x-b3-traceid", TRACE],
        ["x-b3-spanid", NEW],
        ["x-b3-sampled", "1"],
      ],
    },
    {
      what: "B3 of 64 bits, whose span has a parent",
      fields: [
        ["x-b3-traceid", TRACE.slice(16)],
        ["x-b3-parentspanid", "0123456789abcdef"],
        ["x-b3-spanid", SPAN],
        ["x-b3-sampled", "0"],
      ],
      sampled: false,
      trace: wide,
      written: [
        ["x-b3-traceid", TRACE.slice(16)],
        ["x-b3-parentspanid", PARENT],
        ["x-b3-spanid", NEW],
        ["x-b3-sampled", "0"],
      ],
    },
    {
      what: "B3 for debugging",
      fields: [
        ["x-b3-traceid", TRACE.toUpperCase()],
        ["x-b3-spanid", SPAN],
        ["x-b3-flags", "1"],
      ],
      sampled: true,
      written: [
        ["x-b3-traceid", TRACE.toUpperCase()],
        ["x-b3-spanid", NEW],
        ["x-b3-flags", "1"],
      ],
    },
    {
      what: "B3 in one field",
      fields: [["b3", `${TRACE}-${SPAN}-1-0123456789abcdef`]],
      sampled: true,
      written: [["b3", `${TRACE}-${NEW}-1-${PARENT}`]],
    },
    {
      what: "B3 in one field, of which nothing is decided",
      fields: [["b3", `${TRACE}-${SPAN}`]],
      sampled: false,
      written: [["b3", `${TRACE}-${NEW}`]],
    },
  ];
  for (const { what, fields, sampled, trace = TRACE, written } of cases) {
    test(what, () => {
      const found = fieldsOf(fields);
      const context = findContext(found);
      expect(context).toMatchObject({ traceId: trace, spanId: SPAN, sampled });
      // A request may be sent again.
      context?.propagation.write(found, "ffffffffffffffff", PARENT);
      context?.propagation.write(found, NEW, PARENT);
      expect(textsOf(found)).toEqual(written.map((pair) => [...pair]));
    });
  }
});

describe("nothing is made of", () => {
  const cases: Readonly<Record<string, Fields>> = {
    "no field at all": [["accept", "*/*"]],
    "another version": [["traceparent", `01-${TRACE}-${SPAN}-01`]],
    "the version that is forbidden": [[
      "traceparent",
      `ff-${TRACE}-${SPAN}-01`,
    ]],
    "capital letters": [[
      "traceparent",
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    ]],
    "a trace of zeros": [["traceparent", `00-${"0".repeat(32)}-${SPAN}-01`]],
    "a span of zeros": [["traceparent", `00-${TRACE}-${"0".repeat(16)}-01`]],
    "text behind the flags": [["traceparent", `00-${TRACE}-${SPAN}-01-x`]],
    "two parents": [
      ["traceparent", `00-${TRACE}-${SPAN}-01`],
      ["traceparent", `00-${TRACE}-${SPAN}-00`],
    ],
    "an empty parent": [["traceparent", ""]],
    "binary that is none": [["grpc-trace-bin", "no base64!"]],
    "binary that is short": [["grpc-trace-bin", binary(TRACE, "", "")]],
    "binary of another version": [
      ["grpc-trace-bin", "AQ" + binary(TRACE, SPAN, "0201").slice(2)],
    ],
    "binary without end": [["grpc-trace-bin", "A".repeat(60_000)]],
    "B3 without a span": [["x-b3-traceid", TRACE], ["x-b3-sampled", "1"]],
    "B3 of another length": [["x-b3-traceid", "12"], ["x-b3-spanid", SPAN]],
    "a decision alone": [["b3", "0"]],
    "B3 with more parts": [["b3", `${TRACE}-${SPAN}-1-${SPAN}-${SPAN}`]],
  };
  for (const [what, fields] of Object.entries(cases)) {
    test(what, () => expect(findContext(fieldsOf(fields))).toBeNull());
  }
});

test("the first that can be understood counts: W3C, gRPC, B3", () => {
  const w3c = ["traceparent", `00-${TRACE}-${SPAN}-01`] as const;
  const grpc = ["grpc-trace-bin", binary(NEW + NEW, SPAN, "0201")] as const;
  const b3 = ["b3", `${PARENT}${PARENT}-${SPAN}-1`] as const;
  const traceOf = (...fields: Fields) => findContext(fieldsOf(fields))?.traceId;
  expect(traceOf(b3, grpc, w3c)).toBe(TRACE);
  expect(traceOf(b3, grpc, ["traceparent", "broken"])).toBe(NEW + NEW);
  expect(traceOf(b3, ["grpc-trace-bin", "broken"])).toBe(PARENT + PARENT);
});

test("a new id has 16 digits, and is never zero", () => {
  expect(newSpanId(() => 0)).toBe("0000000000000001");
  expect(newSpanId(() => 0.5)).toBe("8000000080000000");
  expect(newSpanId(() => 1 - Number.EPSILON)).toBe("ffffffffffffffff");
});

test("whatever stands in the fields, nothing breaks, and a trace's id stays as it was", () => {
  const names = [
    ...["traceparent", "grpc-trace-bin", "b3"],
    ...["x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid"],
  ];
  const parts = [
    ...[TRACE, SPAN, "00", "01", "-", "--", "=", "\xff", " ", "d", "1", ""],
    ...[binary(TRACE, SPAN, "0201"), binary(TRACE, SPAN, "")],
  ];
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 0x7fff_ffff;
    return seed % below;
  };
  let found = 0;
  for (let round = 0; round < 20_000; round++) {
    const fields = Array.from({ length: 1 + random(3) }, () => {
      const text = Array.from(
        { length: 1 + random(7) },
        () => parts[random(parts.length)],
      ).join("");
      return Field.of(names[random(names.length)] ?? "", text);
    });
    const before = textsOf(fields);
    const context = findContext(fields);
    expect(textsOf(fields)).toEqual(before);
    if (context === null) continue;
    found += 1;
    context.propagation.write(fields, NEW, PARENT);
    expect(findContext(fields)).toEqual({ ...context, spanId: NEW });
  }
  expect(found).toBeGreaterThan(100);
});
