/** One port, or a range with both ends included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Slots of one `multiport` match; a range takes two (iptables-extensions(8), "multiport"). */
const MULTIPORT_SLOTS = 15;

/** A port of 1 to 65535, or null. */
export function parsePort(text: string): number | null {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : null;
}

/** A port or range of `80` or `8000-8010`, or null; port 0 may begin a range, as users write `0-1023`. */
export function parsePortRange(text: string): PortRange | null {
  const [first = "", last = first, more] = text.split("-");
  const to = parsePort(last);
  const from = first === "0" && first !== last ? 0 : parsePort(first);
  if (from === null || to === null || from > to || more !== undefined) {
    return null;
  }
  return { from, to };
}

/** The ranges as `--dports` arguments, each as full as one rule can hold, in the order given. */
export function groupPorts(ranges: readonly PortRange[]): string[] {
  const groups: string[][] = [];
  let slotsLeft = 0;
  for (const { from, to } of ranges) {
    const slots = from === to ? 1 : 2;
    if (slots > slotsLeft) {
      groups.push([]);
      slotsLeft = MULTIPORT_SLOTS;
    }
    groups.at(-1)?.push(slots === 1 ? `${from}` : `${from}:${to}`);
    slotsLeft -= slots;
  }
  return groups.map((group) => group.join(","));
}
