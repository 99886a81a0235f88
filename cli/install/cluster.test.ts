import { expect, test } from "bun:test";
import { GATEWAY_ROUTES } from "../../schemas/crd/gateway.ts";
import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import { mergeValues } from "../../schemas/values/merge.ts";
import type { Values } from "../../schemas/values.ts";
import { makeAuthority, makeServer } from "../certificates/make.ts";
import { ApiError, type Cluster } from "../cluster.ts";
import { fillExternalAnchors } from "./external-issuer.ts";
import { findGatewayOwner, settleGateway } from "./gateway.ts";
import { findApiPorts, hasCrds, refuseDocker } from "./preflight.ts";
import {
  readingCluster,
  readKeptCertificates,
  readStoredValues,
} from "./stored.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 24 * 3_600_000;

/** A cluster that answers with these objects, by path. */
function clusterOf(objects: Readonly<Record<string, unknown>>): Cluster {
  return {
    server: "https://here",
    namespace: "default",
    call: ({ path }) =>
      Object.hasOwn(objects, path)
        ? Promise.resolve(objects[path])
        : Promise.reject(new ApiError(404, "NotFound", `${path} not found`)),
    open: () => Promise.reject(new Error("nothing is read as it comes")),
    forward: () => Promise.reject(new Error("no Pods here")),
  };
}

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Gateway API kinds of a cluster: names with the versions they have, and whether they are ours. */
function gatewayOf(kinds: Record<string, [boolean, ...string[]]>): Cluster {
  return clusterOf(Object.fromEntries(
    Object.entries(kinds).map(([plural, [ours, ...versions]]) => {
      const name = `${plural}.gateway.networking.k8s.io`;
      const annotations = ours ? { "linkerd.io/created-by": "us" } : {};
      return [`${CRDS}/${name}`, {
        metadata: { name, annotations },
        spec: { versions: versions.map((version) => ({ name: version })) },
      }];
    }),
  ));
}

test("who brought the Gateway API: one kind of others is enough to leave all alone", async () => {
  expect(GATEWAY_ROUTES.map(({ plural }) => plural))
    .toEqual(["httproutes", "grpcroutes"]);
  expect(await findGatewayOwner(gatewayOf({}))).toBe("absent");
  expect(await findGatewayOwner(gatewayOf({ httproutes: [true, "v1"] })))
    .toBe("linkerd");
  const mixed = gatewayOf({
    httproutes: [true, "v1"],
    grpcroutes: [false, "v1"],
  });
  expect(await findGatewayOwner(mixed)).toBe("external");
  await expect(findGatewayOwner(gatewayOf({ grpcroutes: [false, "v1alpha2"] })))
    .rejects.toThrow(
      "the grpcroutes.gateway.networking.k8s.io CRD is missing the v1 version",
    );
});

function valuesOf(overrides: Readonly<Record<string, unknown>>): Values {
  return mergeValues(DEFAULT_VALUES, overrides) as Values;
}

test.each<[
  Parameters<typeof settleGateway>[1],
  Readonly<Record<string, boolean>>,
  boolean | string,
]>([
  ["absent", {}, true],
  ["linkerd", {}, true],
  ["external", {}, false],
  ["absent", { installGatewayAPI: true }, true],
  ["absent", { installGatewayAPI: false }, "must be installed prior"],
  ["linkerd", { installGatewayAPI: false }, "will remove it"],
  ["external", { installGatewayAPI: true }, "by an external source"],
  ["external", { enableHttpRoutes: true }, "by an external source"],
  ["external", { installGatewayAPI: true, enableHttpRoutes: false }, false],
])("a Gateway API that is %s, with %j: %p", (owner, asked, result) => {
  const settle = () => settleGateway(valuesOf(asked), owner).installGatewayAPI;
  if (typeof result === "string") expect(settle).toThrow(result);
  else expect(settle()).toBe(result);
});

test("some of our kinds without the others are refused, none is a fresh cluster", async () => {
  expect(await hasCrds(clusterOf({}))).toBe(false);
  const one = {
    [`${CRDS}/servers.policy.linkerd.io`]: {
      metadata: { name: "servers.policy.linkerd.io" },
      spec: { versions: [{ name: "v1beta3" }] },
    },
  };
  await expect(hasCrds(clusterOf(one))).rejects.toThrow(
    "Linkerd CRDs must be installed first. Run linkerd install with the --crds flag.",
  );
});

test("nodes with Docker need linkerd-init to be root", async () => {
  const node = (runtime: string) =>
    clusterOf({
      "/api/v1/nodes": {
        items: [{
          metadata: { name: "n" },
          status: { nodeInfo: { containerRuntimeVersion: runtime } },
        }],
      },
    });
  await refuseDocker(node("containerd://2.0"), valuesOf({}));
  await refuseDocker(
    node("docker://20"),
    valuesOf({ proxyInit: { runAsRoot: true } }),
  );
  await expect(refuseDocker(node("docker://20"), valuesOf({}))).rejects.toThrow(
    "try installing linkerd via --set proxyInit.runAsRoot=true",
  );
});

test("ports of the API server are the Service's and its Pods'", async () => {
  const service = clusterOf({
    "/api/v1/namespaces/default/services/kubernetes": {
      metadata: { name: "kubernetes" },
      spec: {
        ports: [
          { port: 443, targetPort: 6443 },
          { port: 444, targetPort: "named" },
        ],
      },
    },
  });
  expect(await findApiPorts(service))
    .toEqual({ proxyInit: { kubeAPIServerPorts: "443,6443,444" } });
  expect(await findApiPorts(clusterOf({}))).toEqual({});
});

/** The Secrets of a control plane. */
function secretsOf(secrets: Record<string, Record<string, string>>) {
  const objects = Object.entries(secrets).map(([name, data]) => [
    `/api/v1/namespaces/linkerd/secrets/${name}`,
    {
      kind: "Secret",
      metadata: { name },
      data: Object.fromEntries(
        Object.entries(data).map(([key, text]) => [key, btoa(text)]),
      ),
    },
  ]);
  return readingCluster(clusterOf(Object.fromEntries(objects)), "linkerd");
}

test("what an install was told is laid over this version's defaults", async () => {
  const name = "linkerd-config-overrides";
  const values = await readStoredValues(
    secretsOf({ [name]: { [name]: "proxy: {logLevel: debug}\n" } }),
    "advice",
  );
  expect(values["proxy"]).toEqual({
    ...DEFAULT_VALUES.proxy,
    logLevel: "debug",
  });
  await expect(readStoredValues(secretsOf({}), "advice")).rejects.toThrow(
    "Could not find the linkerd-config-overrides secret.\nadvice",
  );
  await expect(readStoredValues(secretsOf({ [name]: {} }), "advice")).rejects
    .toThrow("is missing linkerd-config-overrides data");
});

test("webhooks keep certificates that are theirs, whole, and not about to end", async () => {
  const host = "linkerd-proxy-injector.linkerd.svc";
  const kept = async (crtPEM: string, keyPEM: string) =>
    await readKeptCertificates(
      secretsOf({
        "linkerd-proxy-injector-k8s-tls": {
          "tls.crt": crtPEM,
          "tls.key": keyPEM,
        },
      }),
      "linkerd",
      NOW,
    );
  const good = makeServer(host, NOW);
  expect(await kept(good.crtPEM, good.keyPEM)).toEqual({ proxyInjector: good });
  const old = makeServer(host, NOW - 300 * DAY_MS);
  const other = makeServer("other.linkerd.svc", NOW);
  expect(await kept(old.crtPEM, old.keyPEM)).toEqual({});
  expect(await kept(other.crtPEM, other.keyPEM)).toEqual({});
  expect(await kept(good.crtPEM, other.keyPEM)).toEqual({});
  expect(await kept("damaged", good.keyPEM)).toEqual({});
});

test("an issuer that others keep gives its anchors, if it is a whole one", async () => {
  const external = valuesOf({
    identity: { issuer: { scheme: "kubernetes.io/tls" } },
  });
  const issuer = makeAuthority("identity.linkerd.cluster.local", NOW);
  const files = {
    "tls.crt": issuer.crtPEM,
    "tls.key": issuer.keyPEM,
    "ca.crt": issuer.crtPEM,
  };
  const fill = (secret: Record<string, string> | undefined) =>
    fillExternalAnchors(
      external,
      secretsOf(
        secret === undefined ? {} : { "linkerd-identity-issuer": secret },
      ),
      NOW,
    );
  expect((await fill(files)).identityTrustAnchorsPEM).toBe(issuer.crtPEM);
  await expect(fill(undefined)).rejects.toThrow("does not exist");
  await expect(fill({ ...files, "ca.crt": "" })).rejects.toThrow(
    "has no ca.crt",
  );
  const other = makeAuthority("other", NOW);
  await expect(fill({ ...files, "ca.crt": other.crtPEM })).rejects.toThrow(
    "no chain leads",
  );
});
