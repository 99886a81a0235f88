import { afterEach, expect, test } from "bun:test";
import {
  InboundServerPolicies,
  type Server,
} from "../../schemas/proto/gen/inbound_pb.ts";
import { type FolderMesh, startFolderMesh, toYaml } from "../testing/folder.ts";
import { podManifest, serverManifest } from "../testing/objects.ts";
import {
  authorizationManifest,
  meshRef,
  networkRef,
  policyManifest,
  routeManifest,
} from "../testing/policies.ts";
import { readStream } from "../testing/stream.ts";

let mesh: FolderMesh;
let hangUp: AbortController;
afterEach(async () => {
  hangUp.abort();
  await mesh.close();
});

/** Longest that an edit may take to reach a proxy. */
const EDIT_MAX_MS = 100;

const POD = podManifest("a", "10.1.0.1");
const SERVER = serverManifest("web", { spec: { accessPolicy: "deny" } });
const MESH = policyManifest("MeshTLSAuthentication", "friends", {
  identities: ["api.shop.example", "*.other.example", "*"],
});
const NETWORK = policyManifest("NetworkAuthentication", "near", {
  networks: [{ cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] }],
});

/** Starts a mesh and watches port 8080 of Pod `shop/a`, or of another workload. */
async function watch(
  files: Parameters<typeof startFolderMesh>[0],
  settings: Parameters<typeof startFolderMesh>[1] = {},
  workload = "shop:a",
) {
  hangUp = new AbortController();
  mesh = await startFolderMesh(files, settings);
  const { signal } = hangUp;
  const spec = { workload, port: 8080 };
  const client = mesh.client(InboundServerPolicies);
  return readStream(client.watchPort(spec, { signal }));
}

function namesOf({ authorizations }: Server): (string | undefined)[] {
  return authorizations.map(({ labels }) => labels["name"]);
}

test("WatchPort tells of each policy's edit within 100 ms", async () => {
  const policies = await watch({ "pod.yaml": [POD], "server.yaml": [SERVER] });
  expect(namesOf(await policies.next())).toEqual([]);
  const policy = authorizationManifest("p", "web", [
    meshRef("friends"),
    networkRef("near"),
  ]);
  const saz = policyManifest("ServerAuthorization", "s", {
    server: { name: "web" },
    client: { unauthenticated: true },
  });
  const limit = policyManifest("HTTPLocalRateLimitPolicy", "l", {
    targetRef: { group: "policy.linkerd.io", kind: "Server", name: "web" },
    total: { requestsPerSecond: 9 },
  });
  const route = routeManifest("HTTPRoute", "r", ["web"], [{}]);
  const anyone = policyManifest("MeshTLSAuthentication", "friends", {
    identities: ["*"],
  });
  const nearby = policyManifest("NetworkAuthentication", "near", {
    networks: [{ cidr: "10.1.0.0/16" }],
  });
  // A policy before what it refers to permits nobody, so its own save is told to no one.
  await mesh.save("policy.yaml", policy);
  await mesh.logs.until("AuthorizationPolicy shop/p permits nobody");
  const edits: [file: string, manifest: object | null, told: object][] = [
    ["friends.yaml", MESH, {}],
    ["near.yaml", NETWORK, { authorizations: [{ labels: { name: "p" } }] }],
    ["friends.yaml", anyone, {
      authorizations: [{
        authentication: {
          permit: {
            value: { clients: { value: { suffixes: [{ parts: [] }] } } },
          },
        },
      }],
    }],
    ["near.yaml", nearby, {
      authorizations: [{ networks: [{ net: { prefixLen: 16 } }] }],
    }],
    ["near.yaml", null, { authorizations: [] }],
    ["saz.yaml", saz, { authorizations: [{ labels: { name: "s" } }] }],
    ["saz.yaml", null, { authorizations: [] }],
    ["limit.yaml", limit, {
      protocol: {
        kind: {
          value: { httpLocalRateLimit: { total: { requestsPerSecond: 9 } } },
        },
      },
    }],
    ["route.yaml", route, {
      protocol: {
        kind: {
          value: {
            httpRoutes: [{
              metadata: { kind: { value: { kind: "HTTPRoute", name: "r" } } },
            }],
          },
        },
      },
    }],
  ];
  for (const [file, manifest, told] of edits) {
    if (manifest === null) await mesh.remove(file);
    else await mesh.save(file, manifest);
    if (Object.keys(told).length === 0) continue;
    const from = performance.now();
    expect(await policies.next()).toMatchObject(told);
    expect(performance.now() - from).toBeLessThan(EDIT_MAX_MS);
  }
});

test("WatchPort answers the proxy of an ExternalWorkload, as long as there is one", async () => {
  const external = {
    apiVersion: "workload.linkerd.io/v1beta1",
    kind: "ExternalWorkload",
    metadata: { name: "vm", namespace: "shop", labels: { app: "vm" } },
    spec: {
      meshTLS: { identity: "spiffe://root/vm", serverName: "vm.example" },
      ports: [{ name: "http", port: 8080 }],
    },
  };
  const workload = JSON.stringify({ ns: "shop", external_workload: "vm" });
  const policies = await watch({ "vm.yaml": [external] }, {}, workload);
  expect(namesOf(await policies.next())).toEqual(["all-unauthenticated"]);
  const server = serverManifest("vm", {
    spec: {
      podSelector: undefined,
      externalWorkloadSelector: { matchLabels: { app: "vm" } },
      port: "http",
      accessPolicy: "audit",
    },
  });
  await mesh.save("server.yaml", server);
  expect(namesOf(await policies.next())).toEqual(["audit"]);
  const other = JSON.stringify({ ns: "shop", external_workload: "other" });
  const client = mesh.client(InboundServerPolicies);
  const refused = await client.getPort({ workload: other, port: 8080 })
    .then(() => "answered", String);
  expect(refused).toContain("No such external workload: shop/other");
  await mesh.remove("vm.yaml");
  await policies.end();
});

test("WatchPort carries clients and networks as proxies read them", async () => {
  const policy = authorizationManifest("p", "web", [
    meshRef("friends"),
    networkRef("near"),
  ]);
  const all = [POD, SERVER, MESH, NETWORK, policy];
  const policies = await watch({ "all.yaml": all });
  expect((await policies.next()).authorizations).toMatchObject([{
    networks: [{
      net: { ip: { ip: { case: "ipv4", value: 0x0a000000 } }, prefixLen: 8 },
      except: [{ prefixLen: 16 }],
    }],
    authentication: {
      permit: {
        case: "meshTLS",
        value: {
          clients: {
            case: "identities",
            value: {
              identities: [{ name: "api.shop.example" }],
              suffixes: [{ parts: ["other", "example"] }, { parts: [] }],
            },
          },
        },
      },
    },
    labels: {
      group: "policy.linkerd.io",
      kind: "authorizationpolicy",
      name: "p",
    },
  }]);
});

test("a broken policy file opens nothing: what it said last holds, and so it is told", async () => {
  const policy = authorizationManifest("p", "web", [meshRef("friends")]);
  const all = [SERVER, MESH, policy];
  const policies = await watch({ "pod.yaml": [POD], "policy.yaml": all });
  expect(namesOf(await policies.next())).toEqual(["p"]);
  const broken: [text: string, says: string][] = [
    ["kind: [", "Cannot read YAML"],
    [
      toYaml([
        serverManifest("web", { spec: { accessPolicy: "everybody" } }),
        MESH,
        policy,
      ]),
      "spec.accessPolicy is",
    ],
    [
      toYaml([
        ...all,
        policyManifest("NetworkAuthentication", "n", {
          networks: [{ cidr: "10.0.0.0/8", excpet: [] }],
        }),
      ]),
      "excpet is a list, expected no such field",
    ],
    [
      toYaml([
        routeManifest("HTTPRoute", "r", ["web"], [{
          matches: [{ cookies: [] }],
        }]),
      ]),
      "cookies is a list, expected no such field",
    ],
    [
      toYaml([
        routeManifest("HTTPRoute", "r", ["web"], [{
          filters: [{ type: "Teapot" }],
        }]),
      ]),
      "filters[0].type is",
    ],
  ];
  const client = mesh.client(InboundServerPolicies);
  for (const [text, says] of broken) {
    await mesh.saveText("policy.yaml", text);
    await mesh.logs.until(says);
    const now = await client.getPort({ workload: "shop:a", port: 8080 });
    expect(namesOf(now)).toEqual(["p"]);
    expect(now.labels["name"]).toBe("web");
  }
  await mesh.save("policy.yaml", SERVER);
  expect(namesOf(await policies.next())).toEqual([]);
});

test("a broken policy file at the start leaves the default, and names what to repair", async () => {
  const broken = serverManifest("web", { spec: { port: 0 } });
  const policies = await watch(
    { "pod.yaml": [POD], "policy.yaml": [broken] },
    { defaultInboundPolicy: "deny" },
  );
  const first = await policies.next();
  expect(first.labels).toMatchObject({ kind: "default", name: "deny" });
  expect(first.authorizations).toEqual([]);
  await mesh.logs.until("spec.port is 0");
  expect(mesh.source.problems()).toMatchObject([
    { file: "policy.yaml", field: "spec.port", code: "manifest.invalid" },
  ]);
});

test("1,000 policies on one Pod reach a proxy, and an edit among them within 100 ms", async () => {
  const file = (first: number, name = `p${first}`) =>
    Array.from({ length: 100 }, (_, at) => [
      policyManifest("MeshTLSAuthentication", `m${first + at}`, {
        identities: [`client-${first + at}.example`],
      }),
      authorizationManifest(at === 0 ? name : `p${first + at}`, "web", [
        meshRef(`m${first + at}`),
      ]),
    ]).flat();
  const policies = await watch({
    "base.yaml": [POD, SERVER],
    ...Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [`${at}.yaml`, file(100 * at)]),
    ),
  });
  expect((await policies.next()).authorizations.length).toBe(1_000);
  const times: number[] = [];
  for (const name of ["first", "second", "third"]) {
    await mesh.save("5.yaml", ...file(500, name));
    const from = performance.now();
    expect(namesOf(await policies.next())).toContain(name);
    times.push(performance.now() - from);
  }
  expect(Math.min(...times)).toBeLessThan(EDIT_MAX_MS);
});
