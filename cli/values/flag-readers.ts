import { logFilter } from "../../install/inject/forms.ts";
import { isPortRange } from "../../install/inject/port-list.ts";
import { coresOf, quantity } from "../../install/inject/quantity.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Overrides } from "../../schemas/values.ts";
import type { Flag } from "../command.ts";

/** A flag that stands for a value. */
export interface ValueFlag extends Flag {
  /** What the flag's texts, all of them, say about values; throws `config.invalid`. */
  readonly override: (texts: readonly string[]) => Overrides;
}

/** A reader of one flag's text. */
export type Read = (text: string, flag: string) => unknown;

/** A map with one value, at a path of keys. */
export function at(path: string, value: unknown): Overrides {
  const [key = "", ...rest] = path.split(".");
  return { [key]: rest.length === 0 ? value : at(rest.join("."), value) };
}

/** A flag that is a text and says one value. */
export function valueFlag(
  name: string,
  path: string,
  read: Read,
  rest: Omit<Flag, "name" | "kind">,
): ValueFlag {
  return {
    name,
    kind: "text",
    ...rest,
    override: (texts) => at(path, read(texts.at(-1) ?? "", name)),
  };
}

/** A switch that says one value: as it is, or the other way round. */
export function switchFlag(
  name: string,
  path: string,
  about: string,
  meaning: "same" | "opposite" = "same",
): ValueFlag {
  return {
    name,
    kind: "switch",
    about,
    override: (texts) =>
      at(path, (texts.at(-1) === "true") === (meaning === "same")),
  };
}

export function text(value: string): string {
  return value;
}

export function integer(value: string, flag: string): number {
  if (/^-?\d{1,10}$/.test(value)) return Number(value);
  throw refuse(
    `invalid argument "${value}" for "--${flag}": expected a whole number`,
  );
}

/** One of these words. */
export function oneOf(words: readonly string[]): Read {
  return (value, flag) => {
    if (words.includes(value)) return value;
    throw refuse(`--${flag} must be one of: ${words.join(", ")}`);
  };
}

/** A quantity of a resource: Linkerd's message names what the flag is about. */
export function amount(value: string, flag: string): string {
  if (value === "" || quantity.parse(value) !== undefined) return value;
  const about = flag.replace("proxy-", "").replaceAll("-", " ");
  throw refuse(`Invalid ${about} '${value}' for --${flag} flag`);
}

/** Worker threads of a quantity of CPU. */
export function cores(value: string): number | undefined {
  return value === "" ? undefined : coresOf(value);
}

export function logLevel(value: string, flag: string): string {
  if (value === "") throw refuse(`--${flag} must not be empty`);
  if (logFilter.parse(value) !== undefined) return value;
  throw refuse(
    `"${value}" is not a valid proxy log level - for allowed syntax check https://docs.rs/env_logger/0.6.0/env_logger/#enabling-logging`,
  );
}

/** Ports and ranges, joined by commas. */
export function portList(items: readonly string[]): string {
  for (const item of items) {
    if (isPortRange(item)) continue;
    const parts = item.split("-");
    if (parts.length === 1) {
      throw refuse(`"${item}" is not a valid port nor port-range`);
    }
    const [low = "", high = ""] = parts;
    if (parts.length > 2) throw refuse("ranges expected as <lower>-<upper>");
    if (!isPortRange(low)) throw refuse(`"${low}" is not a valid lower-bound`);
    if (!isPortRange(high)) {
      throw refuse(`"${high}" is not a valid upper-bound`);
    }
    throw refuse(
      `"${item}": upper-bound must be greater than or equal to lower-bound`,
    );
  }
  return items.join(",");
}

export function version(value: string): string {
  if (/^[.a-zA-Z0-9-]+$/.test(value)) return value;
  throw refuse(`${value} is not a valid version`);
}

function refuse(message: string): Problem {
  return new Problem("config.invalid", message);
}
