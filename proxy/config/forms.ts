import {
  formatIp,
  type Network,
  parseIp,
  parseNetwork,
  type SocketAddress,
} from "../../schemas/address.ts";
import { parseDuration } from "../../schemas/duration.ts";

/** How the text of a variable is understood. */
export interface Form<T> {
  /** What a person should have written, for the message. */
  readonly expected: string;
  /** Never show the value in a message. */
  readonly secret?: boolean;
  /** Null when the text is something else. */
  parse(text: string): T | null;
}

/**
 * The longest time a platform timer can wait (24.8 days): `setTimeout` fires at once beyond it, and Linkerd's injector
 * writes `365d` for "never".
 */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Milliseconds of a duration, at most 24.8 days. */
export const duration: Form<number> = {
  expected: "a duration such as 10s, 300ms, 5m or 1h",
  parse: (text) => attempt(() => Math.min(parseDuration(text), TIMER_MAX_MS)),
};

/** A whole number within bounds. */
export function integer(min: number, max: number): Form<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    parse: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : null;
    },
  };
}

/** A number of things; zero would stop all traffic. */
export const count: Form<number> = integer(1, 1_000_000_000);

/** A fraction such as a share of cores or jitter. */
export function ratio(max: number): Form<number> {
  return {
    expected: `a number from 0 to ${max}, such as 0.5`,
    parse: (text) => {
      const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
      return value <= max ? value : null;
    },
  };
}

export const flag: Form<boolean> = {
  expected: "true or false",
  parse: (text) => text === "true" ? true : text === "false" ? false : null,
};

/** One of a few words. */
export function choice<const T extends string>(
  ...words: readonly T[]
): Form<T> {
  return {
    expected: words.map((word) => `"${word}"`).join(" or "),
    parse: (text) => words.find((word) => word === text) ?? null,
  };
}

/** Any text. */
export const text: Form<string> = {
  expected: "some text",
  parse: (found) => found,
};

/** An address to listen on; port 0 lets the system choose. */
export const listenAddress: Form<SocketAddress> = {
  expected: "ip:port, such as 127.0.0.1:4140 or [::]:4143",
  parse: (found) => {
    const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(found);
    const bytes = parseIp(match?.[1] ?? match?.[2] ?? "");
    const port = Number(match?.[3]);
    if (bytes === null || port > 65_535) return null;
    // Brackets belong around IPv6 and nowhere else.
    if ((bytes.length === 16) !== (match?.[1] !== undefined)) return null;
    return { ip: formatIp(bytes), port };
  },
};

/** A comma-separated list of the same form; spaces around the items are allowed, empty items are not. */
export function list<T>(item: Form<T>): Form<readonly T[]> {
  return {
    expected: `a comma-separated list, each ${item.expected}`,
    parse: (found) => {
      const items: T[] = [];
      for (const one of found.split(",")) {
        const value = item.parse(one.trim());
        if (value === null) return null;
        items.push(value);
      }
      return items;
    },
  };
}

export const network: Form<Network> = {
  expected: "a network such as 10.0.0.0/8",
  parse: (found) => attempt(() => parseNetwork(found)),
};

/** An IP address in canonical text. */
export const ip: Form<string> = {
  expected: "an IP address",
  parse: (found) => {
    const bytes = parseIp(found);
    return bytes === null ? null : formatIp(bytes);
  },
};

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** One port or a range of them. */
export const portRange: Form<PortRange> = {
  expected: "a port or a range such as 8000-8010",
  parse: (found) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(found);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? first);
    return first >= 1 && first <= last && last <= 65_535
      ? { first, last }
      : null;
  },
};

/** Whether a list of ranges holds a port. */
export function hasPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** Letters, digits, dashes and underscores in labels of 63 bytes (RFC 1123, with the underscore of SRV names). */
const DNS_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*$/;

/** A DNS name in lower case, without the dot that a fully qualified name may end in. */
export const dnsName: Form<string> = {
  expected:
    "a DNS name such as web.shop.serviceaccount.identity.linkerd.cluster.local",
  parse: (found) => {
    const name = found.toLowerCase().replace(/\.$/, "");
    return DNS_NAME.test(name) ? name : null;
  },
};

/** A domain below which names are looked up: "" for the root. */
export const suffix: Form<string> = {
  expected: "a domain such as svc.cluster.local. or . for all names",
  parse: (found) => found === "." ? "" : dnsName.parse(found),
};

/** Where a service of the control plane is: host without trailing dot, or IP, and port. */
export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
}

export const serviceAddress: Form<ServiceAddress> = {
  expected: "host:port, such as linkerd-policy.linkerd.svc.cluster.local.:8090",
  parse: (found) => {
    const address = listenAddress.parse(found);
    if (address !== null) {
      return address.port === 0
        ? null
        : { host: address.ip, port: address.port };
    }
    const [, name = "", digits] = /^([^:]+):(\d{1,5})$/.exec(found) ?? [];
    const host = dnsName.parse(name);
    const port = Number(digits);
    // A name of digits alone would be a mistyped address.
    return host === null || /^[\d.]+$/.test(host) ||
        !(port >= 1 && port <= 65_535)
      ? null
      : { host, port };
  },
};

function attempt<T>(parse: () => T | null): T | null {
  try {
    return parse();
  } catch {
    return null; // The caller reports the text and what was expected, which says more than the parser's message.
  }
}
