import { startControlPlane } from "../../demo/bed/control-plane.ts";
import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import { ANNOTATIONS } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import { BACKEND_PORTS, startBackend } from "../backend.ts";
import type { Stage } from "../stage.ts";
import type { Running, Subject } from "../subject.ts";

/** Our proxies as users run them: redirection, identities, discovery of a Service, mutual TLS, metrics. */
export const ours: Subject = {
  name: "ours",
  carries: ["http1", "http2", "grpc", "tcp"],
  async start(stage) {
    await startControlPlane(stage.bed);
    return await startOurPair(stage, "backend");
  },
};

/** A pair of our proxies, in front of a Service of this name. */
export async function startOurPair(
  stage: Stage,
  name: string,
  proxyEnv: Readonly<Record<string, string>> = {},
): Promise<Running & { readonly client: Pod; readonly server: Pod }> {
  const { bed } = stage;
  const annotations = { [ANNOTATIONS.opaquePorts]: `${BACKEND_PORTS.tcp}` };
  const ports = Object.entries(BACKEND_PORTS)
    .map(([name, port]) => ({ name, port }));
  const [client, server] = await Promise.all([
    bed.addPod({ name: `${name}-client`, proxyEnv }),
    bed.addPod({ name: `${name}-server`, ports, annotations, proxyEnv }),
  ]);
  await startBackend(stage, server);
  const service = await bed.addService({
    name,
    ports,
    pods: [server],
    annotations,
  });
  const call = `fetch("http://${service.host}:${BACKEND_PORTS.http1}/")`;
  const { code, stderr } = await client.exec([
    ...["bun", "-e", `if (!(await ${call}).ok) process.exit(1)`],
  ]);
  const metrics = await proxyOf(server).metrics();
  if (code !== 0 || !/^request_total\{.*tls="true"/m.test(metrics)) {
    throw new Problem(
      "system.failed",
      `Cannot measure our pair: a request through it failed or was not secured\n${stderr}`,
    );
  }
  return {
    client,
    server,
    addressOf: (protocol) => ({
      ip: service.clusterIp,
      port: BACKEND_PORTS[protocol],
    }),
    pids: [client, server].map((pod) => proxyOf(pod).program().pid),
  };
}
