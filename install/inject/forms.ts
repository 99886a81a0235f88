import { parseNetwork } from "../../schemas/address.ts";
import { parseGoDuration } from "../../schemas/go-duration.ts";
import type { EnvVar } from "./environment/variable.ts";

/** How the value of an annotation is read: what is allowed, in words, and what it means; undefined when it is neither. */
export interface Form<T> {
  readonly allowed: string;
  readonly parse: (text: string) => T | undefined;
}

/** Highest port of TCP. */
export const PORT_MAX = 65535;

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

/** Milliseconds of a Go duration, such as `1h30m`; a negative one means nothing anywhere. */
export const duration: Form<number> = {
  allowed: "a duration such as 500ms, 10s or 1h30m",
  parse: (text) => {
    const ms = unlessThrown(() => parseGoDuration(text));
    return ms === undefined || ms < 0 ? undefined : ms;
  },
};

/** The items of a comma list without the spaces around them. */
export function splitList(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter((item) =>
    item !== ""
  );
}

export const subnets: Form<string> = {
  allowed: "networks such as 10.0.0.0/8,fd00::/8",
  parse: (text) => {
    const items = splitList(text);
    return items.every((item) => unlessThrown(() => parseNetwork(item)))
      ? items.join(",")
      : undefined;
  },
};

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
    const list = unlessThrown((): unknown => JSON.parse(text));
    return Array.isArray(list) && list.every(isEnvVar) ? list : undefined;
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

/** What reading comes to; undefined where it throws, as `allowed` says what is wrong. */
function unlessThrown<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
