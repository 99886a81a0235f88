import { Problem } from "../../../schemas/problem.ts";
import type { TapEvent } from "../../../schemas/tap.ts";
import { printJson } from "../json.ts";
import { parseJsonPath } from "./json-path.ts";
import { formatEvent, formatWide } from "./line.ts";

/** How events are printed, and whether that shows header fields. */
export interface TapFormat {
  readonly print: (event: TapEvent) => string;
  readonly headers: "with headers" | "without headers";
}

const JSON_PATH = "jsonpath";

/** The format that `--output` names; throws `config.invalid`. */
export function readTapFormat(output: string): TapFormat {
  switch (output) {
    case "":
      return { print: formatEvent, headers: "without headers" };
    case "wide":
      return { print: formatWide, headers: "without headers" };
    case "json":
      return {
        print: (event) => printJson(jsonOf(event)),
        headers: "with headers",
      };
  }
  if (output === JSON_PATH || output.startsWith(`${JSON_PATH}=`)) {
    return { print: readPath(output), headers: "without headers" };
  }
  throw new Problem(
    "config.invalid",
    `validation error when executing tap command: output format "${output}" not recognized`,
    { hint: "expected wide, json or jsonpath=<expression>" },
  );
}

function readPath(output: string): TapFormat["print"] {
  const text = output.slice(JSON_PATH.length + 1);
  if (text === "") {
    throw new Problem("config.invalid", "jsonpath filter not found", {
      hint: "expected a path, such as -o jsonpath={.requestInitEvent.path}",
    });
  }
  const find = parseJsonPath(text);
  return (event) => {
    const found = find(jsonOf(event));
    return found === undefined ? NO_MATCH : printJson(found);
  };
}

/** To the letter what Linkerd prints. */
const NO_MATCH =
  `{"error filtering JSON": "couldn't find any results matching with jsonpath filter"}`;

/** An event with Linkerd's fields in Linkerd's order, and no other. */
function jsonOf(
  {
    source,
    destination,
    routeMeta,
    proxyDirection,
    requestInitEvent,
    responseInitEvent,
    responseEndEvent,
  }: TapEvent,
): unknown {
  return {
    source,
    destination,
    routeMeta,
    proxyDirection,
    requestInitEvent,
    responseInitEvent,
    ...responseEndEvent === undefined ? {} : {
      responseEndEvent: { ...responseEndEvent, isGrpc: undefined },
    },
  };
}
