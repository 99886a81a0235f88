import { Problem } from "../../../schemas/problem.ts";
import type { Access } from "../kubectl.ts";

/** A port of a pod on loopback of this machine. */
export interface Forward extends AsyncDisposable {
  readonly port: number;
}

/** Forwards a port of a pod, or of one behind a `deployment/name`, through the API server. */
export async function openForward(
  { kubectl, kubeconfig }: Access,
  namespace: string,
  target: string,
  port: number,
): Promise<Forward> {
  const child = Bun.spawn(
    [kubectl, "port-forward", "-n", namespace, target, `:${port}`],
    {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  // Not `for await`: it would close the pipe, and kubectl ends when it cannot tell of a connection.
  const output = child.stdout.getReader();
  const { value } = await output.read();
  const said = new TextDecoder().decode(value);
  const [, chosen] = /127\.0\.0\.1:(\d+)/.exec(said) ?? [];
  if (chosen === undefined) {
    throw new Problem(
      "system.failed",
      `Cannot forward port ${port} of ${target}: kubectl said "${said.trim()}", expected a port of loopback`,
    );
  }
  return {
    port: Number(chosen),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
    },
  };
}
