import { isDeepStrictEqual } from "node:util";
import { configuredBy } from "../../install/inject/annotations.ts";
import { amountOf } from "../../install/inject/quantity.ts";
import type { Texts } from "../../install/inject/workload.ts";
import { Problem } from "../../schemas/problem.ts";
import type { InjectionValues } from "../../schemas/values/proxy.ts";
import type { Given } from "../flags.ts";
import { moveImage } from "../values/proxy-flags.ts";
import { CONFIG_FLAGS } from "./flags.ts";

/**
 * The annotations that the flags of a command line ask for; only those that change what the install does already.
 * Throws `config.invalid` with the flag, its value and what is allowed.
 */
export function readOverrides(
  given: Given,
  values: InjectionValues,
  registry: string | undefined,
): Texts {
  const overrides: Record<string, string> = {};
  const write = (flag: string, key: string, text: string) => {
    const read = configuredBy(key, text, values);
    if (read.kind === "wrong") {
      throw new Problem(
        "config.invalid",
        `--${flag} is ${JSON.stringify(text)}, expected ${read.allowed}`,
      );
    }
    if (!isDeepStrictEqual(read.settings, { values, debug: false })) {
      overrides[key] = text;
    }
  };
  if (registry !== undefined) {
    const { proxy, debugContainer } = values;
    write(
      "registry",
      "config.linkerd.io/proxy-image",
      moveImage(proxy.image.name, registry),
    );
    write(
      "registry",
      "config.linkerd.io/debug-image",
      moveImage(debugContainer.image.name, registry),
    );
  }
  for (const { name, kind, annotation } of CONFIG_FLAGS) {
    if (!given.has(name)) continue;
    const text = kind === "switch"
      ? String(given.on(name))
      : given.list(name).slice(kind === "list" ? 0 : -1).join(",");
    // As in Linkerd, a negative group is none, and an empty text says nothing.
    const silent = text === "" && !name.endsWith("-ports");
    if (silent || (name === "proxy-gid" && /^-\d+$/.test(text))) continue;
    write(name, annotation, text);
  }
  compareAmounts(overrides, "cpu");
  compareAmounts(overrides, "memory");
  return overrides;
}

function compareAmounts(overrides: Texts, what: "cpu" | "memory"): void {
  const limit = overrides[`config.linkerd.io/proxy-${what}-limit`];
  const request = overrides[`config.linkerd.io/proxy-${what}-request`];
  if (limit === undefined || request === undefined) return;
  if (amountOf(limit) < amountOf(request)) {
    throw new Problem(
      "config.invalid",
      `The ${what} limit '${limit}' cannot be lower than the ${what} request '${request}'`,
    );
  }
}
