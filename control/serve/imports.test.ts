import { afterEach, expect, test } from "bun:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { Destination } from "../../schemas/proto/gen/destination_pb.ts";
import { OutboundPolicies } from "../../schemas/proto/gen/outbound_pb.ts";
import { type FolderMesh, startFolderMesh } from "../testing/folder.ts";
import {
  podManifest,
  serviceManifest,
  sliceManifest,
} from "../testing/objects.ts";
import { policyManifest } from "../testing/policies.ts";
import { clientRoute } from "../testing/routes.ts";
import { readStream } from "../testing/stream.ts";
import { toTcpAddress } from "./destination/address.ts";

let mesh: FolderMesh;
const hangUp = new AbortController();
afterEach(() => mesh.close());

const PATH = "web.shop.svc.clusterset.local:80";
const IMPORTED = "multicluster.kubernetes.io/service-name";
const web = policyManifest("ServiceImport", "web", {
  type: "ClusterSetIP",
  ips: ["10.44.0.1"],
  ports: [{ name: "http", port: 80, protocol: "TCP" }],
}, { apiVersion: "multicluster.x-k8s.io/v1alpha1" });
const slice = (...endpoints: Parameters<typeof sliceManifest>[1]) =>
  sliceManifest("web", endpoints, {
    metadata: {
      name: "web-import",
      namespace: "shop",
      labels: {
        [IMPORTED]: "web",
        "multicluster.kubernetes.io/source-cluster": "west",
      },
    },
  });

function endpoints(path: string) {
  const client = mesh.client(Destination);
  const request = { path, contextToken: '{"ns":"shop"}' };
  return readStream(client.get(request, { signal: hangUp.signal }));
}

const policyOf = (target: OutboundTarget) =>
  mesh.client(OutboundPolicies).get({ sourceWorkload: "shop:a", target });
type OutboundTarget =
  | { case: "addr"; value: ReturnType<typeof toTcpAddress> }
  | { case: "authority"; value: string };

test("a ServiceImport is the endpoints of the slices that are labelled with it", async () => {
  await startMesh(
    web,
    // A Service of the same name is something else.
    serviceManifest("web", "10.43.0.1"),
    podManifest("here", "10.1.0.1"),
    podManifest("namesake", "10.1.0.2"),
    slice(["here", "10.1.0.1"], ["namesake", "10.9.0.2"], [null, "10.9.0.3"]),
  );
  const updates = endpoints(PATH);
  const { update } = await updates.next();
  if (update.case !== "add") throw new Error("addresses were expected");
  expect(update.value.addrs.map(({ addr, tlsIdentity }) => ({
    ip: addr?.ip?.ip.value,
    port: addr?.port,
    isMeshed: tlsIdentity !== undefined,
  }))).toEqual([
    { ip: ipv4("10.1.0.1"), port: 8080, isMeshed: true },
    { ip: ipv4("10.9.0.2"), port: 8080, isMeshed: false },
    { ip: ipv4("10.9.0.3"), port: 8080, isMeshed: false },
  ]);
  await mesh.save("slice.yaml", slice([null, "10.9.0.3"]));
  expect((await updates.next()).update).toMatchObject({
    case: "remove",
    value: { addrs: [{ port: 8080 }, { port: 8080 }] },
  });
  expect((await endpoints("web.shop.svc.cluster.local:80").next()).update.case)
    .toBe("noEndpoints");
});

test("no ServiceImport, no endpoints, whatever slices there are", async () => {
  await startMesh(slice([null, "10.9.0.3"]));
  const error = await endpoints(PATH).next().catch((error: unknown) => error);
  expect(ConnectError.from(error).code).toBe(Code.NotFound);
});

test("a ServiceImport is called as a Service is: by its address, by its name, and by routes that hang on it", async () => {
  const parentRefs = [{
    group: "multicluster.x-k8s.io",
    kind: "ServiceImport",
    name: "web",
  }];
  await startMesh(
    web,
    clientRoute("HTTPRoute", "r", [{
      backendRefs: [
        { ...parentRefs[0], port: 80, weight: 3 },
        { ...parentRefs[0], name: "gone", port: 80 },
      ],
    }], { parentRefs }),
  );
  const resource = {
    group: "multicluster.x-k8s.io",
    kind: "ServiceImport",
    name: "web",
    namespace: "shop",
    port: 80,
  };
  const metadata = { kind: { case: "resource", value: resource } };
  const targets = [
    { case: "addr", value: toTcpAddress({ ip: "10.44.0.1", port: 80 }) },
    { case: "authority", value: PATH },
  ] as const;
  for (const target of targets) {
    const { metadata: parent, protocol } = await policyOf(target);
    expect(parent).toMatchObject(metadata);
    const http = {
      routes: [{
        rules: [{
          backends: {
            kind: {
              case: "randomAvailable",
              value: {
                backends: [{
                  weight: 3,
                  backend: {
                    backend: {
                      metadata,
                      kind: {
                        case: "balancer",
                        value: {
                          discovery: { kind: { value: { path: PATH } } },
                        },
                      },
                    },
                  },
                }, {
                  backend: {
                    backend: { kind: { case: undefined } },
                    filters: [{
                      kind: {
                        value: {
                          status: 500,
                          message: "ServiceImport not found gone",
                        },
                      },
                    }],
                  },
                }],
              },
            },
          },
        }],
      }],
    };
    expect(protocol?.kind).toMatchObject({
      case: "detect",
      value: { http1: http, http2: http },
    });
  }
});

function ipv4(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

async function startMesh(...manifests: object[]): Promise<void> {
  const files = manifests.map((one, at) => {
    const { kind } = one as { readonly kind: string };
    const name = kind === "EndpointSlice" ? "slice.yaml" : `${at}.yaml`;
    return [name, [one as Record<string, unknown>]] as const;
  });
  mesh = await startFolderMesh(Object.fromEntries(files));
}
