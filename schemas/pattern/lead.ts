import type { Node } from "./parse.ts";

/** What an expression begins with. */
interface Lead {
  readonly octets: readonly number[];
  /** True when that is all of it, so that more may follow from what stands behind. */
  readonly whole: boolean;
}

/** The octets that every match of an expression begins with: a thousand patterns need not all be tried then. */
export function leadOf(node: Node): Lead {
  switch (node.kind) {
    case "begin":
    case "boundary":
      return { octets: [], whole: true };
    case "set": {
      const { only } = node.set;
      return only === null
        ? { octets: [], whole: false }
        : { octets: [only], whole: true };
    }
    case "either": {
      const [part] = node.parts;
      return part !== undefined && node.parts.length === 1
        ? leadOf(part)
        : { octets: [], whole: false };
    }
    case "concat": {
      const octets: number[] = [];
      for (const part of node.parts) {
        const lead = leadOf(part);
        octets.push(...lead.octets);
        if (!lead.whole) return { octets, whole: false };
      }
      return { octets, whole: true };
    }
    case "letter":
    case "repeat":
    case "end":
      return { octets: [], whole: false };
  }
}
