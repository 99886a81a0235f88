import { Document, isMap, isScalar, visit } from "yaml";
import { formatIp } from "../../schemas/address.ts";
import type { Layout } from "./go-layout.ts";

/** A message as indented JSON, numbers of 64 bits digit by digit. */
export function printJson(value: Layout): string {
  return `${printAt(value, "")}\n`;
}

function printAt(value: Layout, indent: string): string {
  const inner = `${indent}  `;
  if (isList(value)) {
    const items = value.map((item) => inner + printAt(item, inner));
    return enclose("[", items, `${indent}]`);
  }
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, field]) =>
      `${inner}${JSON.stringify(name)}: ${printAt(field, inner)}`
    );
    return enclose("{", fields, `${indent}}`);
  }
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

function enclose(
  open: string,
  lines: readonly string[],
  close: string,
): string {
  return lines.length === 0
    ? open + close.trim()
    : `${open}\n${lines.join(",\n")}\n${close}`;
}

function isList(value: Layout): value is readonly Layout[] {
  return Array.isArray(value);
}

/** A message as YAML with sorted fields; addresses, which are numbers there, are told in comments. */
export function printYaml(value: Layout): string {
  const document = new Document(value, { sortMapEntries: true });
  visit(document, {
    Pair(_, { key, value }) {
      const name = isScalar(key) ? key.value : undefined;
      if (name === "Ipv4" && isScalar(value)) {
        value.comment = ` ${formatIpv4(Number(value.value))}`;
      }
      if (name === "Ipv6" && isMap(value)) {
        value.flow = true;
        const { first = 0n, last = 0n } = value.toJS(document);
        value.comment = ` ${formatIpv6(BigInt(first), BigInt(last))}`;
      }
    },
  });
  return document.toString({ lineWidth: 0, indentSeq: false });
}

/** An address of a message, where it is a number in network order. */
export function formatIpv4(bits: number): string {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits);
  return formatIp(new Uint8Array(view.buffer));
}

/** An address of a message, where it is two numbers in network order. */
export function formatIpv6(first: bigint, last: bigint): string {
  const view = new DataView(new ArrayBuffer(16));
  view.setBigUint64(0, first);
  view.setBigUint64(8, last);
  return formatIp(new Uint8Array(view.buffer));
}
