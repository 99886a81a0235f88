import { Problem } from "../../schemas/problem.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { collectEndpoints, PATIENCE } from "./collect.ts";
import { askController } from "./controller.ts";
import {
  type Endpoint,
  endpointsJson,
  endpointsTable,
} from "./endpoint-table.ts";

/** Prints the endpoints that proxies are told to find behind authorities. */
export async function runEndpoints(
  given: Given,
  world: World,
): Promise<Outcome> {
  const authorities = given.words;
  if (authorities.length === 0) {
    throw new Problem(
      "config.invalid",
      "requires at least 1 arg(s), only received 0",
      { hint: "expected authorities, such as web.shop.svc.cluster.local:80" },
    );
  }
  const print = readPrinter(given);
  const contextToken = given.text("token") ?? "";
  return await askController(given, world, "destination", async (client) => {
    const ending = new AbortController();
    try {
      const found = await Promise.all(
        authorities.map((path) =>
          collectEndpoints(
            client,
            { path, contextToken },
            PATIENCE,
            ending.signal,
          )
        ),
      );
      return print(found.flat());
    } finally {
      ending.abort();
    }
  });
}

function readPrinter(given: Given): (found: Endpoint[]) => Outcome {
  const format = given.text("output") ?? "table";
  switch (format) {
    case "json":
      return (found) => ({ code: 0, stdout: [endpointsJson(found)] });
    case "table":
      return (found) =>
        found.length === 0
          ? { code: 0, stderr: "No endpoints found.\n" }
          : { code: 0, stdout: [endpointsTable(found)] };
    default:
      throw new Problem(
        "config.invalid",
        `--output currently only supports table and json, not "${format}"`,
      );
  }
}
