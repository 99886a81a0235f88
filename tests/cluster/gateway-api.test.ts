// Whether we conform to the Gateway API as a mesh: its own suite, each of its tests by name, and the report of it in docs.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { resolve } from "node:path";
import { type NodeCluster, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import {
  type ConformanceRun,
  installGatewayApi,
  prepareSuite,
  removeGatewayApi,
  runSuite,
} from "./testing/gateway-api.ts";
import {
  INSTALL_TIMEOUT_MS,
  installMesh,
  type Mesh,
  removeMesh,
} from "./testing/installed.ts";

const KEPT = resolve(
  import.meta.dir,
  "../../docs/gateway-api-conformance.yaml",
);
/** A minute on an idle machine, if all tests pass; one that fails takes 30 s or more. */
const RUN_TIMEOUT_MS = 900_000;

const CLAIMED = [
  "MeshBasic",
  "MeshConsumerRoute",
  "MeshFrontend",
  "MeshFrontendHostname",
  "MeshGRPCRouteRequestHeaderModifier",
  "MeshGRPCRouteWeight",
  "MeshHTTPRoute303Redirect",
  "MeshHTTPRoute307Redirect",
  "MeshHTTPRoute308Redirect",
  "MeshHTTPRouteBackendRequestHeaderModifier",
  "MeshHTTPRouteMatching",
  "MeshHTTPRouteNamedRule",
  "MeshHTTPRouteQueryParamMatching",
  "MeshHTTPRouteRedirectHostAndStatus",
  "MeshHTTPRouteRedirectPath",
  "MeshHTTPRouteRedirectPort",
  "MeshHTTPRouteRequestHeaderModifier",
  "MeshHTTPRouteSchemeRedirect",
  "MeshHTTPRouteSimpleSameNamespace",
  "MeshHTTPRouteWeight",
  "MeshPorts",
  "MeshTrafficSplit",
];

let node: NodeCluster;
let mesh: Mesh | null = null;
let run: ConformanceRun;

beforeAll(async () => {
  node = await openNode();
  const programs = await prepareSuite(node);
  await removeMesh(node);
  await removeGatewayApi(node);
  await installGatewayApi(node);
  mesh = await installMesh(node);
  run = await runSuite(node, programs);
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS + RUN_TIMEOUT_MS);

afterAll(async () => {
  await mesh?.uninstall();
  await removeGatewayApi(node);
  await node.stop();
}, INSTALL_TIMEOUT_MS);

test.each(CLAIMED)("%s", (name) => {
  expect(`${run.verdicts.get(name)} (see ${run.log})`).toStartWith("PASS");
});

test("no other test of meshes is left out but that of rewriting paths", () => {
  const others = [...run.verdicts.keys()].filter((name) =>
    name.startsWith("Mesh") && !CLAIMED.includes(name)
  );
  expect(others).toEqual(["MeshHTTPRouteRewritePath"]);
  expect(run.verdicts.get("MeshHTTPRouteRewritePath")).toBe("SKIP");
});

test("the report in docs is of this run, but for times and versions", async () => {
  const [found, kept] = [await readReport(run.report), await readReport(KEPT)];
  expect(kept, `to keep the new one: cp ${run.report} ${KEPT}`).toEqual(found);
});

/** Without what differs between runs that found the same: times, and the order of lists, which the suite has from maps. */
async function readReport(path: string): Promise<unknown> {
  const report = Bun.YAML.parse(await Bun.file(path).text()) as {
    readonly implementation: Readonly<Record<string, unknown>>;
  };
  const implementation = { ...report.implementation, version: "any" };
  return sorted({ ...report, implementation, date: "any" });
}

/** The same with every list in the order of its texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted)
      .toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, sorted(inner)]),
  );
}
