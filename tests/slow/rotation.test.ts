import { afterAll, beforeAll, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { startLoad } from "../../demo/bed/load.ts";
import { type Pod, proxyOf } from "../../demo/bed/pod.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { createAnchor } from "../../demo/bed/trust.ts";
import { parseMetrics } from "../../demo/metrics.ts";
import { ANNOTATIONS } from "../../schemas/names.ts";
import type { Conversation } from "../testing/converse.ts";
import {
  addBackend,
  BACKEND_PORTS,
  type Mesh,
  MESH_TIMEOUT_MS,
  openMesh,
} from "../testing/mesh.ts";

/** Proxies ask for a new certificate after 70 % of lifetime and skew: every 6.3 s, with 2.7 s left. */
const LIFETIME = "8s";
const SKEW = "1s";
const RENEWAL_MS = 6_300;
const ROTATIONS = 3;
/** Proxies do not ask more often than every 10 s unless told so. */
const EAGER = { LINKERD2_PROXY_IDENTITY_MIN_REFRESH: "1s" };

const CONNECTIONS = 4;

let mesh: Mesh;
let client: Pod;
let server: Pod;
/** Looks at certificates from outside the mesh. */
let outsider: Pod;

beforeAll(async () => {
  mesh = await openMesh("rotation", {
    certificateLifetime: LIFETIME,
    clockSkew: SKEW,
    proxyEnv: EAGER,
  });
  const { bed } = mesh;
  [client, { pod: server }, outsider] = await Promise.all([
    bed.addPod({
      name: "client",
      namespace: "app",
      serviceAccount: "client",
      proxyEnv: EAGER,
    }),
    addBackend(bed, {
      name: "server",
      serviceAccount: "server",
      proxyEnv: EAGER,
    }),
    bed.addPod({ name: "outsider", namespace: "app", meshed: false }),
  ]);
  await bed.addService({
    name: "server",
    namespace: "app",
    ports: [
      { name: "http", port: 80, targetPort: BACKEND_PORTS.http },
      { name: "echo", port: BACKEND_PORTS.echo },
    ],
    annotations: { [ANNOTATIONS.opaquePorts]: String(BACKEND_PORTS.echo) },
    pods: [server],
  });
}, MESH_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

/** Runs `work` amid steady HTTP, one TCP connection that stays open and new ones all the time; nothing may fail. */
async function amidTraffic(work: () => Promise<void>): Promise<void> {
  const load = startLoad(client, {
    url: "http://server/",
    connections: CONNECTIONS,
    rate: 50,
  });
  const talk = client.run(
    [
      ...["bun", "tests/testing/converse.ts"],
      ...["server", String(BACKEND_PORTS.echo)],
    ],
  );
  await Promise.all([load.started(), talk.line("started")]);
  await work();
  const { stdout, stderr } = await talk.stop();
  const said = JSON.parse(stdout || `"${stderr}"`) as Conversation;
  expect(said.failures).toEqual([]);
  expect(said.rounds).toBeGreaterThan(20);
  expect(said.visits).toBe(said.rounds);
  const asked = await load.stop();
  expect(asked).toMatchObject({ failed: 0, connections: CONNECTIONS });
  expect(asked.requests).toBeGreaterThan(100);
}

/** Certificates that a pod's proxy has had, and when the one it has now ends. */
async function readRenewals(
  pod: Pod,
): Promise<{ renewals: number; expires: number }> {
  const samples = parseMetrics(await proxyOf(pod).metrics());
  const read = (name: string, result?: string) =>
    samples.find((one) =>
      one.name === `control_identity_cert_${name}` &&
      one.labels["result"] === result
    )?.value ?? 0;
  expect(read("refreshes_total", "error")).toBe(0);
  return {
    renewals: read("refreshes_total", "ok"),
    expires: read("expiration_timestamp_seconds"),
  };
}

/** The certificates that a pod's proxy presents now: its own, and its issuer's. */
async function readChain(
  pod: Pod,
): Promise<[X509Certificate, X509Certificate]> {
  const { stdout } = await outsider.exec([
    ...["openssl", "s_client", "-showcerts"],
    ...["-connect", `${pod.ip}:${BACKEND_PORTS.http}`, "-servername"],
    `${pod.serviceAccount}.${pod.namespace}.serviceaccount.identity.linkerd.cluster.local`,
  ]);
  const [leaf, issuer] = stdout.match(
    /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
  ) ?? [];
  return [new X509Certificate(leaf ?? ""), new X509Certificate(issuer ?? "")];
}

test(
  "traffic crosses certificates that are renewed in seconds: nothing fails, no connection ends",
  async () => {
    const pods = [client, server];
    const before = await Promise.all(pods.map(readRenewals));
    const [first] = await readChain(server);
    await amidTraffic(async () => {
      const renewed = async () => {
        const now = await Promise.all(pods.map(readRenewals));
        return now.every(({ renewals }, at) =>
            renewals >= (before[at]?.renewals ?? 0) + ROTATIONS
          )
          ? now
          : null;
      };
      const after = await waitFor(renewed, {
        what: () => `${ROTATIONS} renewals on both sides`,
        timeoutMs: 3 * ROTATIONS * RENEWAL_MS,
        intervalMs: 200,
      });
      after.forEach(({ expires }, at) =>
        expect(expires).toBeGreaterThan(before[at]?.expires ?? Infinity)
      );
      // New connections are secured by the new one; the first has expired under those that stay.
      const [last] = await readChain(server);
      expect(last.fingerprint256).not.toBe(first.fingerprint256);
      expect(Date.parse(first.validTo)).toBeLessThan(Date.now());
    });
  },
  90_000,
);

test(
  "a new issuer under the same anchor is taken on without a restart, amid traffic",
  async () => {
    const [, old] = await readChain(server);
    await amidTraffic(async () => {
      await mesh.controlPlane.rotateIssuer();
      const file = `${mesh.bed.layout.trust}/issuer/crt.pem`;
      const issuer = new X509Certificate(await readFile(file));
      expect(issuer.fingerprint256).not.toBe(old.fingerprint256);
      for (const pod of [client, server]) {
        const signed = async () => {
          const [leaf, above] = await readChain(pod);
          return above.fingerprint256 === issuer.fingerprint256 ? leaf : null;
        };
        const leaf = await waitFor(signed, {
          what: () => `a certificate of the new issuer in ${pod.name}`,
          timeoutMs: 3 * RENEWAL_MS,
          intervalMs: 200,
        });
        expect(leaf.verify(issuer.publicKey)).toBe(true);
      }
      const { stdout } = await client.exec([
        ...["bun", "tests/testing/say.ts"],
        ...["server", String(BACKEND_PORTS.echo), "still here"],
      ]);
      expect(stdout).toBe("still here\n");
    });
  },
  60_000,
);

test(
  "trust anchors are rotated - old, both, new - without a restart and amid traffic; then the old ones vouch for nobody",
  async () => {
    const { bed, controlPlane } = mesh;
    const fresh = await createAnchor(Date.now());
    const root = new X509Certificate(fresh.pem);
    const pods = [client, server, controlPlane.identity.pod];
    pods.push(controlPlane.destination.pod);
    const programs = pods.map((pod) => proxyOf(pod).program());
    /** Until every proxy has heard of the last change. */
    const told = (changes: number) =>
      waitFor(
        () =>
          programs.every(({ tail }) =>
              tail().split("Trust anchors have changed").length > changes
            )
            ? true
            : null,
        { what: () => `${changes} changes of anchors`, timeoutMs: 30_000 },
      );
    await amidTraffic(async () => {
      await controlPlane.publishAnchors(bed.anchor.pem + fresh.pem);
      await told(1);
      await controlPlane.rotateIssuer(fresh);
      for (const pod of pods) {
        await waitFor(async () => {
          const [, issuer] = await readChain(pod);
          return issuer.verify(root.publicKey) || null;
        }, {
          what: () => `a certificate under the new anchor in ${pod.name}`,
          timeoutMs: 4 * RENEWAL_MS,
          intervalMs: 200,
        });
      }
      await controlPlane.publishAnchors(fresh.pem);
      await told(2);
    });
    expect(pods.map((pod) => proxyOf(pod).program())).toEqual(programs);
    // A new proxy that knows the old anchors alone trusts nobody: they are out of use everywhere.
    const stranger = await bed.createPod({
      name: "stranger",
      namespace: "app",
    });
    const line = await proxyOf(stranger).program().line(
      "Cannot reach identity",
    );
    expect(line).toContain("Cannot trust");
  },
  120_000,
);
