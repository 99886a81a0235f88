// The Gateway API's own conformance suite for meshes, on a cluster that has ours (docs/decisions/0151).
import { copyFile, mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Problem } from "../../../schemas/problem.ts";
import { VERSION } from "../../../schemas/version.ts";
import { capture } from "../capture.ts";
import { kubectl } from "../kubectl.ts";
import { makeAll, type Plan } from "../node/images.ts";
import type { NodeCluster } from "../open.ts";
import {
  buildConformance,
  type Conformance,
  CONFORMANCE_MODULE,
  type Programs,
} from "../programs.ts";
import { say } from "../say.ts";
import { deleteKinds } from "./kinds.ts";

const GROUP = "gateway.networking.k8s.io";
const ECHO: Plan<Conformance> = {
  name: "echo",
  reference: "images.test/echo:1",
  entrypoint: ["/usr/local/bin/echo"],
  async fill(folder, program) {
    const programs = `${folder}/usr/local/bin`;
    await mkdir(programs, { recursive: true });
    await copyFile(program("echo"), `${programs}/echo`);
    // It is told by its name what to do.
    await symlink("echo", `${programs}/client`);
  },
};
/** Of the suite's own manifests. */
const NAMESPACES = [
  "gateway-conformance-mesh",
  "gateway-conformance-mesh-consumer",
];

export type Verdict = "PASS" | "FAIL" | "SKIP";

/** What a run of the suite found. */
export interface ConformanceRun {
  /** Of each of its tests, by name. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** The path of all that it said. */
  readonly log: string;
  /** The path of the report for others to read, as YAML; there is none if the suite did not come so far. */
  readonly report: string;
}

/** Builds what the suite needs, and gives the node the image of its workload. */
export async function prepareSuite(
  node: NodeCluster,
): Promise<Programs<Conformance>> {
  const programs = await buildConformance(node, say);
  for (const archive of await makeAll([ECHO], programs, say)) {
    await node.load(archive);
  }
  return programs;
}

/** Installs the standard channel as users do: the definitions of the suite's own version. */
export async function installGatewayApi(node: NodeCluster): Promise<void> {
  const folder = join(await gatewayApi(), "config/crd/standard");
  // Without the admission policy that comes along: it would refuse the older definitions of other tests.
  const files = [...new Bun.Glob(`${GROUP}_*.yaml`).scanSync(folder)]
    .filter((name) => !name.includes("_vap_"))
    .flatMap((name) => ["-f", join(folder, name)]);
  await kubectl(node, ["apply", "--server-side", ...files]);
}

/** Removes them, and what the suite made if it was interrupted. */
export async function removeGatewayApi(node: NodeCluster): Promise<void> {
  await kubectl(node, [
    ...["delete", "namespace", "--ignore-not-found", ...NAMESPACES],
  ]);
  await deleteKinds(node, ({ spec }) => spec.group === GROUP);
}

/** Runs the suite, which takes a minute or more. */
export async function runSuite(
  node: NodeCluster,
  programs: Programs<Conformance>,
): Promise<ConformanceRun> {
  const home = dirname(node.kubeconfig);
  const log = join(home, "gateway-api-conformance.log");
  const report = join(home, "gateway-api-conformance.yaml");
  await rm(report, { force: true });
  const { stdout, stderr } = await capture(
    [
      programs.path("suite"),
      ...["--of", VERSION, "--echo-image", ECHO.reference],
      ...["--report-output", report],
    ],
    { KUBECONFIG: node.kubeconfig },
    "",
  );
  await Bun.write(log, stdout + stderr);
  return { verdicts: verdictsIn(stdout), log, report };
}

/** Of the tests just below the one that runs them all. */
export function verdictsIn(output: string): ReadonlyMap<string, Verdict> {
  const lines = output.matchAll(/^ {4}--- (PASS|FAIL|SKIP): Mesh\/(\w+) /gm);
  return new Map(
    [...lines].map(([, verdict, name = ""]) => [name, verdict as Verdict]),
  );
}

/** The folder of the Gateway API in the version that the suite is of; fetched if it is not there. */
async function gatewayApi(): Promise<string> {
  const PATH = `${process.env["PATH"] ?? ""}:/usr/local/go/bin`;
  const argv = ["go", "-C", CONFORMANCE_MODULE, "mod", "download", "-json"];
  const { code, stdout, stderr } = await capture(
    [...argv, "sigs.k8s.io/gateway-api"],
    { PATH },
    "",
  );
  if (code === 0) return (JSON.parse(stdout) as { readonly Dir: string }).Dir;
  throw new Problem(
    "system.failed",
    `Cannot fetch the Gateway API's definitions: ${stderr.trim()}`,
  );
}
