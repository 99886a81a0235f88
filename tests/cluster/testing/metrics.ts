import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMetrics } from "../../../control/start/metrics.ts";
import { recordLogs } from "../../../control/testing/logs.ts";
import { GROUP_VERSION, TAP_GROUP, VIZ_GROUP } from "../../../schemas/tap.ts";
import { kubectl } from "../kubectl.ts";
import type { ApiServer } from "../open.ts";
import { asServiceAccount } from "./account.ts";

const NAMESPACE = "linkerd";
const NAME = "linkerd-metrics";

/** The metrics program in this process. */
export interface ServedMetrics {
  /** Where it listens on loopback. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Runs the metrics program of an install with its rights and certificate, and leads the API server to it, which has no
 * node to find a Pod on: its Service becomes another name of this machine. Returns when both its APIs are available.
 */
export async function serveMetrics(api: ApiServer): Promise<ServedMetrics> {
  const folder = await mkdtemp(`${tmpdir()}/linkerd-ts-metrics-`);
  const within = ["-n", NAMESPACE];
  const { data } = JSON.parse(
    await kubectl(api, [
      ...["get", "secret", `${NAME}-k8s-tls`, ...within, "-o", "json"],
    ]),
  );
  for (const name of ["tls.crt", "tls.key"]) {
    await writeFile(join(folder, name), Buffer.from(data[name], "base64"));
  }
  const any = { host: "127.0.0.1", port: 0 };
  const metrics = await startMetrics({
    program: "metrics",
    address: any,
    adminAddress: any,
    log: { level: "info", format: "plain" },
    scrapeEveryMs: 10_000,
    prometheusUrl: null,
    certificate: folder,
    source: {
      kind: "kube",
      server: await asServiceAccount(api, NAMESPACE, NAME),
    },
  }, recordLogs().log);
  const port = metrics.ports["queries"] ?? 0;
  await kubectl(api, ["delete", "service", NAME, ...within]);
  await kubectl(api, [
    ...["create", "service", "externalname", NAME, ...within],
    "--external-name=localhost",
  ]);
  const services = [TAP_GROUP, VIZ_GROUP].map((group) =>
    `${GROUP_VERSION}.${group}`
  );
  for (const name of services) {
    await kubectl(api, [
      ...["patch", "apiservice", name, "--type=merge"],
      ...["-p", JSON.stringify({ spec: { service: { port } } })],
    ]);
  }
  await kubectl(api, [
    ...["wait", "apiservice", ...services, "--for=condition=Available"],
    "--timeout=60s",
  ]);
  return {
    port,
    close: async () => {
      await metrics.close();
      await rm(folder, { recursive: true });
    },
  };
}
