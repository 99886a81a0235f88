import { dirname, resolve } from "node:path";
import { Problem } from "../../../schemas/problem.ts";
import { type Answer, capture } from "../capture.ts";
import { givenKubeconfig, givenRegistry } from "../given.ts";
import { type Access, kubectl } from "../kubectl.ts";
import { deleteKinds, isInstalled } from "./kinds.ts";
import { loadMeshImages } from "./mesh-images.ts";

const MAIN = resolve(import.meta.dir, "../../../cli/main.ts");
const LABEL = "linkerd.io/control-plane-ns";
/** What an install makes that is in no namespace, and its namespace; but for its CustomResourceDefinitions. */
const KINDS = "mutatingwebhookconfiguration,validatingwebhookconfiguration," +
  "clusterrole,clusterrolebinding,namespace";

/** For `beforeAll` and `afterAll`: images made, pods started or ended, all on a busy machine. */
export const INSTALL_TIMEOUT_MS = 300_000;

/** The mesh on a cluster, as the command line put it there. */
export interface Mesh {
  /** Runs the command line as the administrator, with `input` on stdin; whatever the exit code, the answer is returned. */
  linkerd(args: readonly string[], input?: string): Promise<Answer>;
  /** Removes it from the cluster, and returns when nothing of it is left. */
  uninstall(): Promise<void>;
}

/** Runs the command line of this checkout against a cluster. */
export function tryLinkerd(
  { kubeconfig }: Access,
  args: readonly string[],
  input = "",
): Promise<Answer> {
  const argv = [process.execPath, MAIN, ...args];
  return capture(argv, { KUBECONFIG: kubeconfig }, input);
}

/** The same, but it has to succeed: what it printed. */
export async function linkerd(
  access: Access,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const { code, stdout, stderr } = await tryLinkerd(access, args, input);
  if (code === 0) return stdout;
  throw new Problem(
    "system.failed",
    `"linkerd ${
      args.join(" ")
    }" failed with exit code ${code}: ${stdout}${stderr}`,
  );
}

/**
 * Gives the node the images of this checkout, unless it is not ours, does `linkerd install <args> | kubectl apply -f -`
 * and waits until `linkerd check` is content. What a test that was killed left of a mesh is removed first.
 */
export async function installMesh(
  node: Access,
  args: readonly string[] = [],
): Promise<Mesh> {
  if (givenKubeconfig() === undefined) {
    await loadMeshImages(dirname(node.kubeconfig));
  }
  await removeMesh(node);
  const registry = givenRegistry();
  const from = registry === undefined ? [] : [`--registry=${registry}`];
  const manifests = await linkerd(node, ["install", ...from, ...args]);
  await kubectl(node, ["apply", "-f", "-"], manifests);
  await linkerd(node, ["check", "--wait=4m", "--output=short"]);
  return {
    linkerd: (words, input) => tryLinkerd(node, words, input),
    uninstall: () => removeMesh(node),
  };
}

/** All of it, also the Gateway API, and also when pods are meshed still: unlike `linkerd uninstall`, which is polite. */
export async function removeMesh(node: Access): Promise<void> {
  // While an API has nobody who serves it, no namespace can go.
  await kubectl(node, ["delete", "apiservice,rolebinding", "-A", "-l", LABEL]);
  // Nobody needs the seconds for which its pods would go on answering (docs/decisions/0125).
  await kubectl(node, [
    ...["delete", "deployments,replicasets,pods", "--all", "-n", "linkerd"],
    ...["--grace-period=1", "--ignore-not-found"],
  ]);
  await deleteKinds(node, isInstalled);
  await kubectl(node, ["delete", KINDS, "-l", LABEL]);
}
