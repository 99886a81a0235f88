import { describe, Problem } from "../../schemas/problem.ts";
import { ApiError, type Cluster } from "../cluster.ts";
import { listAll } from "../cluster/list.ts";
import { openCluster } from "../cluster/open.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import type { Pod } from "../workload/pods.ts";
import { readCertificate } from "./proxy.ts";

/** Prints the certificates of Pods, by name or by labels; one that cannot be had does not keep back the others. */
export async function runIdentity(
  given: Given,
  world: World,
): Promise<Outcome> {
  const selector = given.text("selector");
  if (given.words.length === 0 && !selector) {
    throw new Problem(
      "config.invalid",
      "Provide the pod name argument or use the selector flag",
    );
  }
  const cluster = await openCluster(given, world);
  const path = `/api/v1/namespaces/${
    given.text("namespace") ?? cluster.namespace
  }/pods`;
  const selected = selector
    ? await listAll<Pod>(cluster, path, { labelSelector: selector })
    : [];
  const named = given.words.map((name) => () => getPod(cluster, path, name));
  const pods = [
    ...named,
    ...selected.map((pod) => () => Promise.resolve(pod)),
  ];
  return await printAll(cluster, pods);
}

async function getPod(
  cluster: Cluster,
  path: string,
  name: string,
): Promise<Pod> {
  return await cluster.call({ path: `${path}/${name}` }) as Pod;
}

/** Prints certificates in the order of Pods: what is found on standard output, what is not on standard error. */
export async function printAll(
  cluster: Pick<Cluster, "forward">,
  pods: readonly (() => Promise<Pod>)[],
): Promise<Outcome> {
  const stdout: string[] = [];
  const problems: string[] = [];
  for (const [at, find] of pods.entries()) {
    try {
      const pod = await find();
      const { text, isAuthority } = await readCertificate(cluster, pod);
      stdout.push(
        `\nPOD ${pod.metadata.name} (${at + 1} of ${pods.length})\n\n`,
        isAuthority ? "" : text,
      );
    } catch (thrown) {
      if (!(thrown instanceof Problem || thrown instanceof ApiError)) {
        throw thrown;
      }
      problems.push(explain(thrown));
    }
  }
  if (stdout.length === 0) {
    problems.push(
      "Could not fetch Certificate. Ensure that the pod(s) are meshed by running `linkerd inject`\n",
    );
  }
  return {
    code: problems.length === 0 ? 0 : 1,
    stdout,
    stderr: problems.join(""),
  };
}

function explain(thrown: Problem | ApiError): string {
  const hint = thrown instanceof Problem ? thrown.hint : undefined;
  return `${describe(thrown)}\n${hint === undefined ? "" : `${hint}\n`}`;
}
