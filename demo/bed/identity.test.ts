import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import { proxyEnvironment } from "./proxy-environment.ts";
import { createTokenIssuer } from "./tokens.ts";
import { createAnchor } from "./trust.ts";

const SUBJECT = {
  namespace: "shop",
  serviceAccount: "web",
  pod: { name: "web-1", uid: "u1" },
};

test("tokens are those of service accounts, for the identity service, verified by the key set", async () => {
  const tokens = await createTokenIssuer();
  const token = await tokens.sign(SUBJECT, Date.now());
  const keys = createLocalJWKSet(JSON.parse(tokens.keySet));
  const { payload } = await jwtVerify(token, keys, {
    audience: "identity.l5d.io",
    subject: "system:serviceaccount:shop:web",
  });
  expect(payload["kubernetes.io"]).toMatchObject({
    namespace: "shop",
    serviceaccount: { name: "web" },
  });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(86_400);
});

test("tokens can be made wrong on purpose", async () => {
  const tokens = await createTokenIssuer();
  const keys = createLocalJWKSet(JSON.parse(tokens.keySet));
  const now = Date.now();
  const late = await tokens.sign(SUBJECT, now, { lifetimeMs: -60_000 });
  await expect(jwtVerify(late, keys)).rejects.toThrow("exp");
  const foreign = await tokens.sign(SUBJECT, now, { audience: "other" });
  await expect(jwtVerify(foreign, keys, { audience: "identity.l5d.io" }))
    .rejects.toThrow("aud");
});

test("an anchor makes issuers that it vouches for, each with a key of its own", async () => {
  const anchor = await createAnchor(Date.now());
  const one = await anchor.createIssuer(Date.now());
  const two = await anchor.createIssuer(Date.now());
  const root = new X509Certificate(anchor.pem);
  for (const { crtPem } of [one, two]) {
    const issuer = new X509Certificate(crtPem);
    expect(issuer.verify(root.publicKey)).toBe(true);
    expect(issuer.ca).toBe(true);
    expect(issuer.subject).toBe("CN=identity.linkerd.cluster.local");
  }
  expect(one.keyPem).not.toBe(two.keyPem);
});

const PROXY = {
  name: "web-1",
  namespace: "shop",
  serviceAccount: "web",
  ip: "10.42.0.10",
  ports: [9090, 80, 11211],
  annotations: {},
  identityDir: "/identity",
  tokenFile: "/token",
  trustAnchorsPem: "PEM",
  local: [],
};

test("a proxy is told what an injector would tell it", () => {
  expect(proxyEnvironment(PROXY)).toMatchObject({
    LINKERD2_PROXY_INBOUND_PORTS: "11211,80,9090",
    LINKERD2_PROXY_IDENTITY_LOCAL_NAME:
      "web.shop.serviceaccount.identity.linkerd.cluster.local",
    LINKERD2_PROXY_POLICY_WORKLOAD: '{"ns":"shop","pod":"web-1"}\n',
    LINKERD2_PROXY_DESTINATION_SVC_ADDR:
      "linkerd-dst-headless.linkerd.svc.cluster.local.:8086",
    LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION:
      "25,587,3306,4444,5432,6379,9300,11211",
  });
});

test("a control-plane pod reaches its own API over loopback", () => {
  expect(
    proxyEnvironment({ ...PROXY, local: ["identity"] })[
      "LINKERD2_PROXY_IDENTITY_SVC_ADDR"
    ],
  ).toBe("localhost.:8080");
});
