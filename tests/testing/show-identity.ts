// Runs in a pod's network, where a port-forward ends, and prints what `linkerd identity` and `proxy-metrics` print of it.
import { fetchMetrics, pageBlock } from "../../cli/diagnostics/scrape.ts";
import { printAll } from "../../cli/identity/run.ts";
import { PORTS } from "../../schemas/names.ts";

const [identity = ""] = process.argv.slice(2);
const cluster = {
  forward: (_: unknown, port: number) =>
    Promise.resolve({
      url: `http://127.0.0.1:${port}`,
      close: () => Promise.resolve(),
    }),
};
const pod = {
  metadata: { name: "web", namespace: "app" },
  spec: {
    containers: [{
      name: "linkerd-proxy",
      ports: [
        { name: "linkerd-proxy", containerPort: PORTS.inbound },
        { name: "linkerd-admin", containerPort: PORTS.admin },
      ],
      env: [{ name: "LINKERD2_PROXY_IDENTITY_LOCAL_NAME", value: identity }],
    }],
  },
  status: { phase: "Running" },
};

const shown = await printAll(cluster, [() => Promise.resolve(pod)]);
const pages = await fetchMetrics(cluster, [{
  pod: { namespace: "app", name: "web" },
  container: "linkerd-proxy",
  port: PORTS.admin,
}], 10_000);
const metrics = pages.map((page) =>
  pageBlock(page, 0, 1, { container: false })
);
process.stdout.write(JSON.stringify({ ...shown, metrics: metrics.join("") }));
