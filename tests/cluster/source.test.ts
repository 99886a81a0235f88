// Discovery and policy as an API server tells them: what is applied there reaches a proxy's stream, whatever happens.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createClient } from "@connectrpc/connect";
import {
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { fromTcpAddress } from "../../control/serve/destination/address.ts";
import { createSettings } from "../../control/index/settings.ts";
import { startDestination } from "../../control/start/destination.ts";
import type { Running } from "../../control/start/running.ts";
import { type Recorder, recordLogs } from "../../control/testing/logs.ts";
import {
  podManifest,
  serverManifest,
  serviceManifest,
  sliceManifest,
} from "../../control/testing/objects.ts";
import { readStream, type StreamReader } from "../../control/testing/stream.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import {
  Destination,
  type Update,
} from "../../schemas/proto/gen/destination_pb.ts";
import {
  InboundServerPolicies,
  type Server,
} from "../../schemas/proto/gen/inbound_pb.ts";
import type { TcpAddress } from "../../schemas/proto/gen/net_pb.ts";
import { kubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openApiServer } from "./open.ts";
import { asServiceAccount } from "./testing/account.ts";
import { renderInstall, toList } from "./testing/manifests.ts";
import { openRelay, type Relay } from "./testing/relay.ts";

setDefaultTimeout(60_000);

/** An API server of its own: this test takes the connection away. */
const HOME = new URL("../../.cache/cluster-source", import.meta.url).pathname;

let api: ApiServer;
let relay: Relay;
let control: Running;
let logs: Recorder;
const hangUp = new AbortController();

beforeAll(async () => {
  api = await openApiServer(HOME);
  await kubectl(
    api,
    ["apply", "--server-side", "-f", "-"],
    toList(await renderInstall("linkerd", "--crds")),
  );
  const install = await renderInstall("linkerd");
  await kubectl(
    api,
    ["apply", "-f", "-"],
    toList(
      install.filter(({ kind }) =>
        ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"]
          .includes(kind)
      ),
    ),
  );
  await apply({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "shop" },
  });
  relay = await openRelay(Number(new URL(api.server).port));
  logs = recordLogs();
  control = await startDestination({
    program: "destination",
    address: { host: "127.0.0.1", port: 0 },
    policyAddress: { host: "127.0.0.1", port: 0 },
    adminAddress: { host: "127.0.0.1", port: 0 },
    log: { level: "info", format: "plain" },
    settings: createSettings(),
    source: {
      kind: "kube",
      replica: "one",
      patchTimeoutMs: 5_000,
      // The rights are those of the install, no more.
      server: {
        ...await asServiceAccount(api, "linkerd", "linkerd-destination"),
        url: `https://127.0.0.1:${relay.port}`,
      },
    },
  }, logs.log);
}, OPEN_TIMEOUT_MS);

afterAll(async () => {
  hangUp.abort();
  await control.close();
  relay.close();
  await api.stop();
}, 60_000);

function apply(...objects: readonly unknown[]): Promise<string> {
  return kubectl(api, ["apply", "-f", "-"], toList(objects));
}

function client(port: number | undefined) {
  const baseUrl = `http://127.0.0.1:${port}`;
  return createGrpcTransport({
    baseUrl,
    sessionManager: new Http2SessionManager(baseUrl),
  });
}

function watchEndpoints(path: string): StreamReader<Update> {
  const { get } = createClient(
    Destination,
    client(control.ports["destination"]),
  );
  return readStream(get({ path }, { signal: hangUp.signal }));
}

function watchPort(workload: string, port: number): StreamReader<Server> {
  const { watchPort } = createClient(
    InboundServerPolicies,
    client(control.ports["policy"]),
  );
  return readStream(
    watchPort({ workload, port }, { signal: hangUp.signal }),
  );
}

/** Reads until the endpoints known are these. */
async function until(
  stream: StreamReader<Update>,
  known: Set<string>,
  wanted: readonly string[],
): Promise<void> {
  while ([...known].sort().join() !== [...wanted].sort().join()) {
    const { update } = await stream.next();
    if (update.case === "noEndpoints") known.clear();
    if (update.case === "add") {
      for (const { addr } of update.value.addrs) known.add(ipOf(addr));
    }
    if (update.case === "remove") {
      for (const addr of update.value.addrs) known.delete(ipOf(addr));
    }
  }
}

function ipOf(addr: TcpAddress | undefined): string {
  return addr === undefined ? "" : fromTcpAddress(addr)?.ip ?? "";
}

test("what is applied and deleted reaches a stream", async () => {
  const path = "web.shop.svc.cluster.local:80";
  await apply(serviceManifest("web", "", { spec: { clusterIP: undefined } }));
  const stream = await waitFor(async () => {
    const asked = watchEndpoints(path);
    return await asked.next().then(() => asked, () => null);
  }, { what: () => "the Service" });
  const known = new Set<string>();
  await apply(
    sliceManifest("web", [[null, "10.1.0.1"], [null, "10.1.0.2"]]),
  );
  await until(stream, known, ["10.1.0.1", "10.1.0.2"]);
  await apply(sliceManifest("web", [[null, "10.1.0.2"]]));
  await until(stream, known, ["10.1.0.2"]);
  await kubectl(api, ["delete", "service", "web", "-n", "shop"]);
  await until(stream, known, []);
});

test("a Server decides about the port of a Pod that it selects", async () => {
  await apply({
    ...podManifest("web-1", ""),
    status: {},
    spec: { containers: [{ name: "app", image: "app" }] },
  });
  // The stream of a Pod that is not known yet ends at once.
  const stream = await waitFor(async () => {
    const asked = watchPort("shop:web-1", 8080);
    return await asked.next().then(() => asked, () => null);
  }, { what: () => "the Pod" });
  await apply(serverManifest("web", { spec: { proxyProtocol: "opaque" } }));
  const { labels } = await stream.until(({ protocol }) =>
    protocol?.kind.case === "opaque"
  );
  expect(labels).toMatchObject({ kind: "server", name: "web" });
  await kubectl(api, ["delete", "server", "web", "-n", "shop"]);
  await stream.until(({ protocol }) => protocol?.kind.case === "detect");
});

test("a ServiceProfile reaches those who ask for its Service, and its edits", async () => {
  await apply(serviceManifest("paid", "", { spec: { clusterIP: undefined } }));
  const name = "paid.shop.svc.cluster.local";
  const { getProfile } = createClient(
    Destination,
    client(control.ports["destination"]),
  );
  const stream = await waitFor(async () => {
    const asked = readStream(
      getProfile({ path: `${name}:80` }, { signal: hangUp.signal }),
    );
    return await asked.next().then(() => asked, () => null);
  }, { what: () => "the Service" });
  const profile = (route: string) => ({
    apiVersion: "linkerd.io/v1alpha2",
    kind: "ServiceProfile",
    metadata: { name, namespace: "shop" },
    spec: { routes: [{ name: route, condition: { method: "GET" } }] },
  });
  for (const route of ["read", "fetch"]) {
    await apply(profile(route));
    await stream.until(({ routes }) =>
      routes[0]?.metricsLabels["route"] === route
    );
  }
  await kubectl(api, ["delete", "serviceprofile", name, "-n", "shop"]);
  await stream.until(({ routes }) => routes.length === 0);
});

test("while the API server is away nothing is forgotten; then what was missed arrives", async () => {
  await apply(
    serviceManifest("api", "", { spec: { clusterIP: undefined } }),
    sliceManifest("api", [[null, "10.1.1.1"], [null, "10.1.1.2"]]),
  );
  const path = "api.shop.svc.cluster.local:80";
  const stream = watchEndpoints(path);
  const known = new Set<string>();
  await until(stream, known, ["10.1.1.1", "10.1.1.2"]);
  relay.cut();
  await logs.until("Cannot GET");
  // A new reader, and what it is told meanwhile is what was known.
  await until(watchEndpoints(path), new Set(), ["10.1.1.1", "10.1.1.2"]);
  await apply(sliceManifest("api", [[null, "10.1.1.2"], [null, "10.1.1.3"]]));
  relay.mend();
  await until(stream, known, ["10.1.1.2", "10.1.1.3"]);
  await logs.until("watching again");
});
