import { Problem } from "../../schemas/problem.ts";

/** Ports `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** A port of a container or a Service, which may be referred to by name. */
export interface NamedPort {
  readonly name?: string | undefined;
  readonly port: number;
}

/** Ranges of `25,587,9000-9010`, empty text meaning none; throws `config.invalid`. */
export function parsePortRanges(text: string): PortRange[] {
  return items(text).map((item) => {
    const range = parseRange(item);
    if (range !== null) return range;
    throw new Problem(
      "config.invalid",
      `Cannot read port "${item}" in "${text}": expected numbers from 1 to 65535 and ranges, such as 25,9000-9010`,
    );
  });
}

/**
 * Ranges of an annotation, in which the names of ports may stand as well. What means nothing here is left out, as
 * Linkerd does: an annotation is often copied between workloads whose port names differ.
 */
export function resolvePortRanges(
  text: string,
  named: readonly NamedPort[],
): PortRange[] {
  return items(text).flatMap((item) => {
    const range = parseRange(item);
    if (range !== null) return [range];
    return named.filter((port) => port.name === item)
      .map(({ port }) => ({ first: port, last: port }));
  });
}

/** Whether a range holds the port. */
export function includesPort(
  ranges: readonly PortRange[],
  port: number,
): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

function items(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter((item) =>
    item !== ""
  );
}

function parseRange(item: string): PortRange | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item);
  const first = Number(match?.[1]);
  const last = match?.[2] === undefined ? first : Number(match[2]);
  return first >= 1 && first <= last && last <= 65535 ? { first, last } : null;
}
