import { dirname } from "node:path";
import { Problem } from "../../schemas/problem.ts";
import { type Answer, capture } from "./capture.ts";

/** What is needed to talk to a cluster. */
export interface Access {
  /** The URL of the API server. */
  readonly server: string;
  /** The path of a kubeconfig of the administrator. */
  readonly kubeconfig: string;
  /** The path of a kubectl of the server's version. */
  readonly kubectl: string;
}

/** Runs kubectl as the administrator, with `input` on stdin; whatever the exit code, the answer is returned. */
export function tryKubectl(
  { kubeconfig, kubectl }: Access,
  args: readonly string[],
  input = "",
): Promise<Answer> {
  return capture([kubectl, ...args], {
    KUBECONFIG: kubeconfig,
    // Else it leaves a folder in the user's home for every server it has met.
    KUBECACHEDIR: `${dirname(kubeconfig)}/kubectl-cache`,
  }, input);
}

/** Runs kubectl as the administrator and returns what it prints; throws `system.failed` when it fails. */
export async function kubectl(
  access: Access,
  args: readonly string[],
  input = "",
): Promise<string> {
  const { code, stdout, stderr } = await tryKubectl(access, args, input);
  if (code === 0) return stdout;
  throw new Problem(
    "system.failed",
    `"kubectl ${
      args.join(" ")
    }" failed with exit code ${code}: ${stderr.trim()}`,
  );
}
