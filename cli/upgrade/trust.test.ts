// The order in which trust anchors are rotated, and what keeps an upgrade from breaking it.
import { afterAll, expect, test } from "bun:test";
import { createCa, type Pair } from "../../control/testing/pki.ts";
import { describe } from "../../schemas/problem.ts";
import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import type { Values } from "../../schemas/values.ts";
import { fakeCluster, type FakeObject } from "../check/testing/cluster.ts";
import { error, MESH, meshed, NOW } from "../check/testing/look.ts";
import { refuseUntrusted } from "./trust.ts";

const HOUR_MS = 3_600_000;
const window = { notBeforeMs: NOW - HOUR_MS, notAfterMs: NOW + HOUR_MS };
const oldRoot = await createCa({ name: "old", ...window });
const newRoot = await createCa({ name: "new", ...window });
const under = (parent: Pair, name: string) =>
  createCa({ name, parent, ...window });
const oldIssuer = await under(oldRoot, "old-issuer");
const newIssuer = await under(newRoot, "new-issuer");
const oldBundle = oldRoot.certificatePem;
const newBundle = newRoot.certificatePem;
const both = oldBundle + newBundle;
const leafOf = async (issuer: Pair) =>
  (await createCa({ name: "leaf", parent: issuer, ca: false, ...window }))
    .certificatePem + issuer.certificatePem;
const oldLeaf = await leafOf(oldIssuer);
const newLeaf = await leafOf(newIssuer);

/** What each proxy that can be asked says, by the name of its pod. */
const said = new Map<string, { anchors: string; certificate: string }>();
const server = Bun.serve({
  port: 0,
  fetch({ url }) {
    const [, pod = "", page] = new URL(url).pathname.split("/");
    const answer = said.get(pod);
    return answer === undefined || page !== "trust.json"
      ? new Response("not found", { status: 404 })
      : Response.json(answer);
  },
});
afterAll(() => server.stop());

/** A pod that was started with the old anchors. */
function pod(name: string): FakeObject {
  return meshed(name, {
    spec: {
      containers: [{
        name: "linkerd-proxy",
        ports: [{ name: "linkerd-admin", containerPort: 4191 }],
        env: [{
          name: "LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS",
          value: oldBundle,
        }],
      }],
    },
  });
}

function clusterWith(inForce: string, objects: readonly FakeObject[]) {
  const roots: FakeObject = {
    kind: "ConfigMap",
    metadata: { name: "linkerd-identity-trust-roots", namespace: "linkerd" },
    data: { "ca-bundle.crt": inForce },
  };
  const control = {
    ...pod("identity"),
    metadata: { ...pod("identity").metadata, namespace: "linkerd" },
  };
  return {
    ...fakeCluster([roots, control, ...objects]),
    open: () => Promise.reject(new Error("nothing is read as it comes")),
    forward: ({ name }: { readonly name: string }) =>
      Promise.resolve({
        url: `http://127.0.0.1:${server.port}/${name}`,
        close: () => Promise.resolve(),
      }),
  };
}

async function upgrade(
  from: string,
  to: { readonly anchors: string; readonly issuer: Pair },
  pods: readonly string[] = ["web"],
): Promise<string> {
  const { identity } = DEFAULT_VALUES;
  const values: Values = {
    ...DEFAULT_VALUES,
    identityTrustAnchorsPEM: to.anchors,
    identity: {
      ...identity,
      issuer: {
        ...identity.issuer,
        tls: {
          crtPEM: to.issuer.certificatePem,
          keyPEM: to.issuer.keyPem,
        },
      },
    },
  };
  try {
    await refuseUntrusted(
      clusterWith(from, pods.map(pod)),
      values,
      "linkerd",
      NOW,
    );
    return "granted";
  } catch (thrown) {
    return describe(thrown);
  }
}

function everybody(anchors: string, certificate: string): void {
  for (const name of ["identity", "web"]) {
    said.set(name, { anchors, certificate });
  }
}

test("old, both, new: each step is granted once proxies have followed the one before", async () => {
  const toBoth = { anchors: both, issuer: oldIssuer };
  const toIssuer = { anchors: both, issuer: newIssuer };
  const toNew = { anchors: newBundle, issuer: newIssuer };
  const strangers =
    /does not validate against .*\n(\t\* \S+\n)*\t\* default\/web\n/;

  everybody(oldBundle, oldLeaf);
  expect(await upgrade(oldBundle, toIssuer)).toMatch(strangers);
  expect(await upgrade(oldBundle, toNew)).toMatch(strangers);
  expect(await upgrade(oldBundle, toBoth)).toBe("granted");
  expect(await upgrade(both, toIssuer)).toMatch(strangers);
  everybody(both, oldLeaf);
  expect(await upgrade(both, toIssuer)).toBe("granted");
  expect(await upgrade(both, toNew)).toMatch(
    /remove the trust anchor above .*:\n\t\* linkerd\/identity\n\t\* default\/web\n/,
  );
  everybody(both, newLeaf);
  said.set("identity", { anchors: both, certificate: oldLeaf });
  expect(await upgrade(both, toNew)).toMatch(
    /above .*:\n\t\* linkerd\/identity\nW/,
  );
  everybody(both, newLeaf);
  expect(await upgrade(both, toNew)).toBe("granted");
  everybody(newBundle, newLeaf);
  expect(await upgrade(newBundle, toNew)).toBe("granted");
});

test("a proxy that does not say trusts what it was started with", async () => {
  everybody(both, newLeaf);
  const toIssuer = { anchors: both, issuer: newIssuer };
  expect(await upgrade(both, toIssuer, ["web", "linkerds"])).toMatch(
    /of the following pods:\n\t\* default\/linkerds\nThese pods do not have/,
  );
  expect(
    await upgrade(both, { anchors: both, issuer: oldIssuer }, ["linkerds"]),
  )
    .toBe("granted");
});

test("check finds the anchors that a proxy has taken over", async () => {
  const name = "data plane proxies certificate match CA";
  const inForce = MESH.find(({ metadata }) =>
    metadata.name === "linkerd-identity-trust-roots"
  );
  const { "ca-bundle.crt": roots = "" } = inForce?.["data"] as Record<
    string,
    string
  >;
  const objects = [...MESH, pod("web"), pod("linkerds")];
  const { forward } = clusterWith(roots, objects);
  said.set("web", { anchors: `# the same\n${roots}`, certificate: newLeaf });
  expect(await error(name, { objects, forward })).toBe(
    "Some pods do not have the current trust bundle and must be restarted:\n\t* default/linkerds",
  );
});
