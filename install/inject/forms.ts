import { parseNetwork } from "../../schemas/address.ts";
import type { EnvVar } from "./environment/variable.ts";

/** How the value of an annotation is read: what is allowed, in words, and what it means; undefined when it is neither. */
export interface Form<T> {
  readonly allowed: string;
  readonly parse: (text: string) => T | undefined;
}

/** Highest port of TCP. */
const PORT_MAX = 65535;

/** Go's words for true and false, which users of Linkerd write. */
const TRUE = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE = ["0", "f", "F", "FALSE", "false", "False"];

export const bool: Form<boolean> = {
  allowed: "true or false",
  parse: (text) =>
    TRUE.includes(text) ? true : FALSE.includes(text) ? false : undefined,
};

export const enabled: Form<boolean> = {
  allowed: "enabled or disabled",
  parse: (text) =>
    text === "enabled" ? true : text === "disabled" ? false : undefined,
};

export const port: Form<number> = {
  allowed: `a port number from 1 to ${PORT_MAX}`,
  parse: (text) => whole(text, 1, PORT_MAX),
};

export const userId: Form<number> = {
  allowed: "a numeric id of 0 or more",
  parse: (text) => whole(text, 0, 0x7fffffff),
};

export const seconds: Form<number> = {
  allowed: "a whole number of seconds",
  parse: (text) => whole(text, 0, 0x7fffffff),
};

/** A fraction of the machine; both ends excluded, as Linkerd does. */
export const ratio: Form<number> = {
  allowed: "a number between 0 and 1, such as 0.5",
  parse: (text) => {
    const value = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
    return value > 0 && value < 1 ? value : undefined;
  },
};

/** One of a few words. */
export function oneOf<const Word extends string>(
  words: readonly Word[],
): Form<Word> {
  const shown = words.map((word) => word === "" ? "nothing" : word);
  return {
    allowed: `one of ${shown.join(", ")}`,
    parse: (text) => words.find((word) => word === text),
  };
}

/** An image's name: registry and path, without tag or digest. */
export const imageName: Form<string> = {
  allowed: "an image's name without tag, such as ghcr.io/example/proxy",
  parse: (text) =>
    /^[a-z0-9]([a-z0-9._:-]*[a-z0-9])?(\/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*$/i
        .test(text) && !/:[^/]*$/.test(text)
      ? text
      : undefined,
};

/** The grammar of tags in the OCI distribution specification. */
export const imageTag: Form<string> = {
  allowed: "an image's tag of letters, digits, dots, dashes and underscores",
  parse: (text) => /^\w[\w.-]{0,127}$/.test(text) ? text : undefined,
};

/** A Kubernetes quantity (resource.Quantity): a decimal number with a binary, decimal or exponent suffix. */
export const quantity: Form<string> = {
  allowed: "a Kubernetes quantity such as 100m, 0.5 or 64Mi",
  parse: (text) =>
    /^\+?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.test(text)
      ? text
      : undefined,
};

/** Whole cores that a quantity of CPU amounts to, rounded up, at least one. */
export function coresOf(text: string): number {
  // To millionths first: 3 cores that arithmetic makes 3.0000000000000004 are not 4.
  return Math.max(1, Math.ceil(Math.round(amountOf(text) * 1e6) / 1e6));
}

/** The number that a quantity stands for, in its base unit. */
export function amountOf(text: string): number {
  const match = /^\+?([\d.]+)(.*)$/.exec(text);
  const suffix = match?.[2] ?? "";
  return Number(match?.[1] ?? 0) * (SCALES[suffix] ?? Number(`1${suffix}`));
}

const SCALES: Readonly<Record<string, number>> = {
  "": 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Milliseconds of a Go duration: one or more numbers with units, such as `1h30m`; a bare 0 needs none. */
export const duration: Form<number> = {
  allowed: "a duration such as 500ms, 10s or 1h30m",
  parse: (text) => {
    if (/^[+-]?0$/.test(text)) return 0;
    if (!/^\+?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) {
      return undefined;
    }
    let totalMs = 0;
    for (const part of text.matchAll(/(\d*\.?\d*)(ns|[uµμ]s|ms|s|m|h)/g)) {
      totalMs += Number(part[1]) * (UNIT_MS[part[2] ?? ""] ?? 0);
    }
    return totalMs;
  },
};

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 3.6e6,
};

/** Ports and ranges, spaces dropped; an empty list is one. */
export const ports: Form<string> = {
  allowed: "ports and ranges such as 25,4000-4010",
  parse: (text) => {
    const items = splitList(text);
    return items.every(isPortRange) ? items.join(",") : undefined;
  },
};

/** The items of a comma list without the spaces around them. */
export function splitList(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter((item) =>
    item !== ""
  );
}

/** Whether text is a port or a range of ports. Port 0 is allowed, as in Linkerd. */
export function isPortRange(text: string): boolean {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return false;
  const low = Number(match[1]);
  const high = Number(match[2] ?? match[1]);
  return low <= high && high <= PORT_MAX;
}

export const subnets: Form<string> = {
  allowed: "networks such as 10.0.0.0/8,fd00::/8",
  parse: (text) => {
    const items = splitList(text);
    return items.every(isNetwork) ? items.join(",") : undefined;
  },
};

function isNetwork(text: string): boolean {
  try {
    parseNetwork(text);
    return true;
  } catch {
    // Said by `allowed`.
    return false;
  }
}

/** Levels of a log filter, alone or for a module (the syntax of Rust's env_logger). */
export const logFilter: Form<string> = {
  allowed: "a log filter such as warn,linkerd=info",
  parse: (text) => {
    const items = text.split(",");
    const item =
      /^\s*(([\w:-]+|[\w:-]*\[.*\])\s*=\s*)?(off|error|warn|info|debug|trace|[\w:-]+)\s*$/i;
    return text !== "" && items.every((one) => item.test(one))
      ? text
      : undefined;
  },
};

export const envList: Form<readonly EnvVar[]> = {
  allowed: 'a JSON list such as [{"name":"RUST_BACKTRACE","value":"1"}]',
  parse: (text) => {
    try {
      const list: unknown = JSON.parse(text);
      return Array.isArray(list) && list.every(isEnvVar) ? list : undefined;
    } catch {
      // Said by `allowed`.
      return undefined;
    }
  },
};

function isEnvVar(item: unknown): item is EnvVar {
  if (typeof item !== "object" || item === null) return false;
  const { name, value } = item as Record<string, unknown>;
  return typeof name === "string" && name !== "" &&
    (value === undefined || typeof value === "string");
}

function whole(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return value >= least && value <= most ? value : undefined;
}
