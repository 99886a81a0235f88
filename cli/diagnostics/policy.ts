import {
  InboundServerPolicies,
  ServerSchema,
} from "../../schemas/proto/gen/inbound_pb.ts";
import {
  OutboundPolicies,
  OutboundPolicySchema,
} from "../../schemas/proto/gen/outbound_pb.ts";
import { CLUSTER_SET_DOMAIN } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { askController } from "./controller.ts";
import { first } from "./first.ts";
import { type Layout, layOut } from "./go-layout.ts";
import type { GrpcClient } from "./grpc.ts";
import { printJson, printYaml } from "./print.ts";

/** Who is said to ask when nobody says. */
const TOKEN = "default:diagnostics";

/** Prints what the proxy of a Pod is told about a port, or what proxies are told about a Service or ServiceImport. */
export async function runPolicy(given: Given, world: World): Promise<Outcome> {
  const print = readPrinter(given);
  const ask = readQuestion(given);
  return await askController(given, world, "policy", async (client) => ({
    code: 0,
    stdout: [print(await ask(client))],
  }));
}

function readQuestion(
  given: Given,
): (client: GrpcClient) => Promise<Layout> {
  const [resource = "", portText] = given.words;
  const [kind = "", name = ""] = resource.split("/");
  if (kind === "" || name === "") {
    throw new Problem("config.invalid", "resource type and name are required", {
      hint: "expected a Pod or Service and a port, such as po/web-1 8080",
    });
  }
  const namespace = given.text("namespace") ?? "default";
  const port = readPort(portText);
  switch (kind.toLowerCase()) {
    case "po":
    case "pod":
    case "pods":
      return async (client) =>
        layOut(
          ServerSchema,
          await first(client, InboundServerPolicies.method.getPort, {
            workload: `${namespace}:${name}`,
            port,
          }),
        );
    case "svc":
    case "service":
    case "services":
      return askOutbound(given, `${name}.${namespace}.svc:${port}`);
    case "serviceimport":
    case "serviceimports":
      return askOutbound(
        given,
        `${name}.${namespace}.svc.${CLUSTER_SET_DOMAIN}:${port}`,
      );
    default:
      throw new Problem(
        "config.invalid",
        `invalid resource type ${kind}; must be one of Pod or Service`,
      );
  }
}

/** How clients of the token's namespace call an authority. */
function askOutbound(
  given: Given,
  value: string,
): (client: GrpcClient) => Promise<Layout> {
  return async (client) =>
    layOut(
      OutboundPolicySchema,
      await first(client, OutboundPolicies.method.get, {
        sourceWorkload: given.text("token") ?? TOKEN,
        target: { case: "authority", value },
      }),
    );
}

function readPort(text: string | undefined): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new Problem(
    "config.invalid",
    `invalid port ${
      text === undefined ? "(none)" : `"${text}"`
    }: expected 1 to 65535`,
  );
}

function readPrinter(given: Given): (policy: Layout) => string {
  const format = given.text("output") ?? "yaml";
  switch (format) {
    case "json":
      return printJson;
    case "yaml":
      return printYaml;
    default:
      throw new Problem("config.invalid", "output must be one of: yaml, json");
  }
}
