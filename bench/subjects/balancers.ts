import { startControlPlane } from "../../demo/bed/control-plane.ts";
import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { Problem } from "../../schemas/problem.ts";
import { BACKEND_PORTS } from "../backend.ts";
import {
  nginxCommand,
  nginxPreamble,
  nginxTemporaryPaths,
} from "../nginx-config.ts";
import type { Stage } from "../stage.ts";
import type { Subject } from "../subject.ts";

/** How long each endpoint takes to answer, in milliseconds: one of five takes ten times as long. */
export const ENDPOINT_DELAYS_MS: readonly number[] = [20, 20, 20, 20, 200];

const PORT = BACKEND_PORTS.http1;
/** Where nginx listens. */
const ROTATION_PORT = 8_500;

/** Our proxy beside the client, over a Service of the endpoints. */
const ours: Subject = {
  name: "ours",
  carries: ["http1"],
  async start(stage) {
    const { bed } = stage;
    const pods = await endpointsOf(stage);
    await startControlPlane(bed);
    const client = await bed.addPod({ name: "meshed-client" });
    const ports = [{ name: "http1", port: PORT }];
    const service = await bed.addService({ name: "backend", ports, pods });
    const { code, stderr } = await client.exec([
      ...["bun", "-e", `await fetch("http://${service.host}:${PORT}/")`],
    ]);
    const metrics = await proxyOf(client).metrics();
    const known = `outbound_http_balancer_p2c_endpoints\\{.*\\} ${pods.length}`;
    if (code !== 0 || !new RegExp(`^${known}$`, "m").test(metrics)) {
      throw new Problem(
        "system.failed",
        `Cannot measure our balancer: it has not found ${pods.length} endpoints\n${stderr}`,
      );
    }
    return {
      client,
      addressOf: () => ({ ip: service.clusterIp, port: PORT }),
      pids: [proxyOf(client).program().pid],
    };
  },
};

/** nginx beside the client, which gives each endpoint its turn. */
const nginx: Subject = {
  name: "nginx",
  carries: ["http1"],
  async start(stage) {
    const { client } = stage;
    const pods = await endpointsOf(stage);
    const folder = await stage.folder("nginx-rotation");
    const config = await stage.file(
      "nginx-rotation.conf",
      rotationOf(pods, folder),
    );
    const program = client.run(nginxCommand(folder, config));
    const target = { ip: client.ip, port: ROTATION_PORT };
    const url = `http://${target.ip}:${target.port}/`;
    await waitFor(async () => (await stage.bed.fetch(url)).ok || null, {
      what: () => `nginx, which says:\n${program.tail()}`,
    });
    return { client, addressOf: () => target, pids: [program.pid] };
  },
};

/** Balancers over the same endpoints. */
export const BALANCERS: readonly Subject[] = [ours, nginx];

const endpoints = new WeakMap<Stage, Promise<readonly Pod[]>>();

/** The endpoints of a stage, which all its balancers share; the first who asks starts them. */
function endpointsOf(stage: Stage): Promise<readonly Pod[]> {
  const found = endpoints.get(stage) ??
    Promise.all(ENDPOINT_DELAYS_MS.map(async (delayMs, at) => {
      const pod = await stage.bed.addPod({
        name: `endpoint-${at}`,
        meshed: false,
        ports: [{ name: "http1", port: PORT }],
      });
      await pod.run(["bun", "bench/backend/late.ts", `${PORT}`, `${delayMs}`])
        .line("ready");
      return pod;
    }));
  endpoints.set(stage, found);
  return found;
}

function rotationOf(pods: readonly Pod[], folder: string): string {
  return `${nginxPreamble(folder)}
http {
  access_log off;
${nginxTemporaryPaths(folder)}
  upstream endpoints {
${pods.map(({ ip }) => `    server ${ip}:${PORT};`).join("\n")}
    keepalive 256;
    keepalive_requests 2000000000;
    keepalive_timeout 1h;
  }
  server {
    listen ${ROTATION_PORT} backlog=4096;
    keepalive_requests 2000000000;
    keepalive_timeout 1h;
    location / {
      proxy_pass http://endpoints;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
}
