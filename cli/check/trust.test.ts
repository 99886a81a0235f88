// Certificates, webhooks, versions and replicas: each check fails on what it is there for.
import { expect, test } from "bun:test";
import { VERSION } from "../../schemas/version.ts";
import { makeAuthority, makeServer } from "../certificates/make.ts";
import { type FakeObject } from "./testing/cluster.ts";
import { healthyMesh } from "./testing/mesh.ts";
import {
  base64,
  changed,
  DAY_MS,
  error,
  MESH,
  meshed,
  NOW,
} from "./testing/look.ts";

test("certificates: dates, keys, chains and where they are kept", async () => {
  const expired = { nowMs: NOW + 366 * DAY_MS };
  const soon = { nowMs: NOW + 306 * DAY_MS };
  expect(await error("trust anchors are within their validity period", expired))
    .toMatch(
      /^Invalid anchors:\n\t\* \d+ identity\.linkerd\.cluster\.local not valid anymore\. Expired on 20\d\d-/,
    );
  expect(await error("issuer cert is within its validity period", expired))
    .toStartWith("issuer certificate is not valid anymore. Expired on ");
  expect(await error("trust anchors are valid for at least 60 days", soon))
    .toMatch(/^Anchors expiring soon:\n\t\* \d+ \S+ will expire on /);
  expect(await error("issuer cert is valid for at least 60 days", soon))
    .toStartWith("issuer certificate will expire on ");
  expect(await error("issuer cert is within its validity period", soon))
    .toBe("(passed)");

  const other = makeAuthority("another", NOW);
  const swapped = changed("Secret", "linkerd-identity-issuer", {
    data: {
      "crt.pem": base64(other.crtPEM),
      "key.pem": base64(other.keyPEM),
    },
  });
  expect(
    await error("issuer cert is issued by the trust anchor", {
      objects: swapped,
    }),
  ).toContain('no chain leads from "CN=another" to a trust anchor');
  const valid = "certificate config is valid";
  expect(
    await error(valid, {
      objects: changed("Secret", "linkerd-identity-issuer", {
        data: { "key.pem": base64(other.keyPEM) },
      }),
    }),
  ).toContain("the private key is not that of");
  expect(
    await error(valid, {
      objects: changed("Secret", "linkerd-identity-issuer", {
        data: { "crt.pem": null },
      }),
    }),
  ).toBe(
    "key crt.pem containing the issuer certificate needs to exist in secret linkerd-identity-issuer if --identity-external-issuer=false",
  );
  expect(
    await error(valid, {
      objects: changed("Secret", "linkerd-identity-issuer", null),
    }),
  ).toBe('Secret "linkerd-identity-issuer" not found in namespace "linkerd"');
  expect(
    await error(valid, {
      objects: changed("ConfigMap", "linkerd-identity-trust-roots", {
        data: { "ca-bundle.crt": other.crtPEM },
      }),
    }),
  ).toContain("does not hold the trust anchors of linkerd-config");
});

test("an issuer of others is read where they keep it", async () => {
  const anchor = makeAuthority("root.linkerd.cluster.local", NOW);
  const mesh = healthyMesh(NOW, {
    overrides: { identity: { issuer: { scheme: "kubernetes.io/tls" } } },
    credentials: {
      crtPEM: undefined,
      keyPEM: undefined,
      anchorsPEM: anchor.crtPEM,
    },
  });
  const secret = (data: Readonly<Record<string, string>>): FakeObject => ({
    kind: "Secret",
    metadata: { name: "linkerd-identity-issuer", namespace: "linkerd" },
    data,
  });
  const tls = {
    "tls.crt": base64(anchor.crtPEM),
    "tls.key": base64(anchor.keyPEM),
  };
  const name = "certificate config is valid";
  expect(await error(name, { objects: [...mesh, secret(tls)] })).toBe(
    "key ca.crt containing the trust anchors needs to exist in secret linkerd-identity-issuer if --identity-external-issuer=true",
  );
  const complete = { ...tls, "ca.crt": base64(anchor.crtPEM) };
  expect(await error(name, { objects: [...mesh, secret(complete)] }))
    .toBe("(passed)");
});

test("webhooks: certificate, name and bundle belong together", async () => {
  const name = "proxy-injector webhook has valid cert";
  const configuration = "linkerd-proxy-injector-webhook-config";
  const secret = "linkerd-proxy-injector-k8s-tls";
  const host = "linkerd-proxy-injector.linkerd.svc";
  const withCertificate = (dnsName: string) =>
    changed("Secret", secret, {
      data: { "tls.crt": base64(makeServer(dnsName, NOW).crtPEM) },
    });
  expect(await error(name, { objects: withCertificate(host) })).toBe(
    `cert is not issued by the trust anchor: no chain leads from "CN=${host}" to the caBundle of ${configuration}`,
  );
  expect(await error(name, { objects: withCertificate("elsewhere.svc") }))
    .toBe(
      `cert is not issued by the trust anchor: it is for DNS:elsewhere.svc, not for ${host}`,
    );
  expect(await error(name, { nowMs: NOW + 366 * DAY_MS })).toStartWith(
    "anchors not within their validity period:\n\t* ",
  );
  expect(
    await error(name, {
      objects: changed("MutatingWebhookConfiguration", configuration, {
        webhooks: [],
      }),
    }),
  ).toBe("expected 1 webhooks, found 0");
  expect(await error(name, { objects: changed("Secret", secret, null) }))
    .toContain(`Secret "${secret}" with key tls.crt not found`);
  expect(
    await error("policy-validator webhook has valid cert", {
      objects: changed("Secret", "linkerd-policy-validator-k8s-tls", null),
    }),
  ).toBe("(skipped)");
  expect(
    await error("sp-validator cert is valid for at least 60 days", {
      nowMs: NOW + 310 * DAY_MS,
    }),
  ).toStartWith("certificate will expire on ");
});

test("versions are compared with each other, and with the one expected", async () => {
  const old = { settings: { cliVersion: "0.0.1" } };
  expect(await error("control plane and cli versions match", old)).toBe(
    `control plane running ${VERSION} but cli running 0.0.1`,
  );
  expect(await error("control plane proxies and cli versions match", old))
    .toContain(`running ${VERSION} but cli running 0.0.1`);
  const expected = { settings: { expectedVersion: "9.9.9" } };
  const told =
    `is running version ${VERSION} but the expected version is 9.9.9`;
  expect(await error("cli is up-to-date", expected)).toBe(told);
  expect(await error("control plane is up-to-date", expected)).toBe(told);
  expect(await error("control plane proxies are up-to-date", expected))
    .toContain(
      "some proxies are not running the current version:\n\t* linkerd-identity-abc",
    );
  const objects = [...MESH, meshed("web", {}, "0.0.7")];
  expect(
    await error("data plane and cli versions match", {
      objects,
      settings: { dataPlaneNamespace: "default" },
    }),
  ).toBe(`web running 0.0.7 but cli running ${VERSION}`);
});

test("a CNI plugin is looked for where there is to be one", async () => {
  const settings = { cniEnabled: true };
  expect(await error("cni plugin DaemonSet exists", { settings })).toBe(
    "missing DaemonSet: linkerd-cni",
  );
  expect(await error("cni plugin ConfigMap exists", { settings })).toBe(
    "missing ConfigMap: linkerd-cni-config",
  );
  const objects = [{
    kind: "DaemonSet",
    metadata: { name: "linkerd-cni", namespace: "linkerd-cni" },
    status: { desiredNumberScheduled: 3, numberReady: 2 },
  }];
  const given = { settings, objects };
  expect(await error("cni plugin DaemonSet exists", given)).toBe("(passed)");
  expect(await error("cni plugin pod is running on all nodes", given)).toBe(
    "number ready: 2, number scheduled: 3",
  );
  const before = { settings: { cniEnabled: false }, objects: [] };
  expect(await error("cni plugin DaemonSet exists", before)).toBe("(skipped)");
});

test("replicas are counted where availability was asked for", async () => {
  const objects = healthyMesh(NOW, { overrides: { highAvailability: true } })
    .map((object) =>
      object.kind === "Deployment" &&
        object.metadata.name !== "linkerd-identity"
        ? { ...object, status: { availableReplicas: 2 } }
        : object
    );
  expect(await error("multiple replicas of control plane pods", { objects }))
    .toBe("not enough replicas available for [linkerd-identity]");
});
