import { startControlPlane } from "../../demo/bed/control-plane.ts";
import { proxyOf } from "../../demo/bed/pod.ts";
import { ANNOTATIONS } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import { BACKEND_PORTS, startBackend } from "../backend.ts";
import type { Subject } from "../subject.ts";

/** Our proxies as users run them: redirection, identities, discovery of a Service, mutual TLS, metrics. */
export const ours: Subject = {
  name: "ours",
  carries: ["http1", "http2", "grpc", "tcp"],
  async start(stage) {
    const { bed } = stage;
    await startControlPlane(bed);
    const annotations = { [ANNOTATIONS.opaquePorts]: `${BACKEND_PORTS.tcp}` };
    const ports = Object.entries(BACKEND_PORTS)
      .map(([name, port]) => ({ name, port }));
    const [client, server] = await Promise.all([
      bed.addPod({ name: "meshed-client" }),
      bed.addPod({ name: "meshed-server", ports, annotations }),
    ]);
    await startBackend(stage, server);
    const service = await bed.addService({
      name: "backend",
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
      addressOf: (protocol) => ({
        ip: service.clusterIp,
        port: BACKEND_PORTS[protocol],
      }),
      pids: [client, server].map((pod) => proxyOf(pod).program().pid),
    };
  },
};
