import { dirname } from "node:path";
import { Problem } from "../../schemas/problem.ts";

/** What is needed to talk to a cluster. */
export interface Access {
  /** The URL of the API server. */
  readonly server: string;
  /** The path of a kubeconfig of the administrator. */
  readonly kubeconfig: string;
  /** The path of a kubectl of the server's version. */
  readonly kubectl: string;
}

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl as the administrator, with `input` on stdin; whatever the exit code, the answer is returned. */
export async function tryKubectl(
  { kubeconfig, kubectl }: Access,
  args: readonly string[],
  input = "",
): Promise<Answer> {
  const child = Bun.spawn([kubectl, ...args], {
    env: {
      ...process.env,
      KUBECONFIG: kubeconfig,
      // Else it leaves a folder in the user's home for every server it has met.
      KUBECACHEDIR: `${dirname(kubeconfig)}/kubectl-cache`,
    },
    stdin: new TextEncoder().encode(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
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
