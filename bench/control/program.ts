import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiServer } from "../../control/kube/in-cluster.ts";
import { Problem } from "../../schemas/problem.ts";

const MAIN = join(import.meta.dir, "../../control/main.ts");

/**
 * Programs of the control plane find the API server where a kubelet puts it for pods; in a mount namespace of its own a
 * program sees that folder without anybody else's being touched.
 */
const AS_POD = `
  mount -t tmpfs none /var/run
  mkdir -p /var/run/secrets/kubernetes.io
  cp -r "$1" /var/run/secrets/kubernetes.io/serviceaccount
  shift
  exec "$@"`;

/** A program of the control plane, as a process of its own. */
export interface ControlProgram {
  readonly pid: number;
  /** Where it listens, by purpose. */
  readonly ports: Readonly<Record<string, number>>;
  readonly stop: () => Promise<void>;
}

/** Runs `control/main.ts` with the account's token, and resolves when it serves; throws what it complains about. */
export async function startProgram(
  argv: readonly string[],
  server: ApiServer,
): Promise<ControlProgram> {
  const folder = await mkdtemp(join(tmpdir(), "bench-control-"));
  const account = join(folder, "account");
  await mkdir(account);
  await writeFile(join(account, "token"), await server.token());
  await writeFile(join(account, "ca.crt"), await server.ca());
  const { hostname, port } = new URL(server.url);
  const child = Bun.spawn([
    ...["unshare", "--mount", "sh", "-ec", AS_POD, "sh", account],
    ...[process.execPath, MAIN, ...argv, "--log-format", "json"],
  ], {
    env: {
      PATH: process.env["PATH"] ?? "",
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const stop = async (): Promise<void> => {
    child.kill();
    await child.exited;
    await rm(folder, { recursive: true });
  };
  try {
    return { pid: child.pid, ports: await untilServing(child.stderr), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Reads the log until the ports are in it, and goes on reading, so that the program is never kept waiting. */
function untilServing(
  log: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<Readonly<Record<string, number>>> {
  const { promise, resolve, reject } = Promise.withResolvers<
    Readonly<Record<string, number>>
  >();
  void read();
  return promise;

  async function read(): Promise<void> {
    let text = "";
    let isServing = false;
    for await (const chunk of log.pipeThrough(new TextDecoderStream())) {
      if (isServing) continue;
      text += chunk;
      const line = /^.*"msg":"serving".*$/m.exec(text)?.[0];
      if (line === undefined) continue;
      resolve(JSON.parse(line));
      isServing = true;
    }
    reject(new Problem("system.failed", `The program ended: ${text}`));
  }
}
