import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createPlain, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTls, type Server as TlsServer } from "node:tls";
import { ApiError, type PodName } from "../cluster.ts";
import type { Container, Pod } from "../workload/pods.ts";
import { printAll } from "./run.ts";

const ADMIN = 4191;
const INBOUND = 4143;

const folder = mkdtempSync(join(tmpdir(), "linkerd-identity-"));
let tls: TlsServer;
let plain: Server;
const asked: unknown[] = [];
const bothAsked = Promise.withResolvers<void>();

beforeAll(async () => {
  const [key, cert] = ["key.pem", "crt.pem"].map((name) => join(folder, name));
  Bun.spawnSync([
    ..."openssl req -x509 -nodes -days 1 -newkey ec".split(" "),
    ..."-pkeyopt ec_paramgen_curve:P-256 -subj /CN=web -addext".split(" "),
    ...["basicConstraints=critical,CA:FALSE"],
    ...["-keyout", key ?? "", "-out", cert ?? ""],
  ]);
  tls = createTls({
    key: readFileSync(key ?? ""),
    cert: readFileSync(cert ?? ""),
  }, (socket) => {
    if (asked.push(socket.servername) === 2) bothAsked.resolve();
    socket.on("error", () => {});
  });
  plain = createPlain((_, response) => response.end());
  for (const server of [tls, plain]) {
    await new Promise<void>((resolve) =>
      server.listen(0, "127.0.0.1", resolve)
    );
  }
});

afterAll(() => {
  tls.close();
  plain.close();
  rmSync(folder, { recursive: true });
});

/** Forwards as a cluster of our proxies does: TLS behind 4143, plain HTTP behind 4191; Linkerd's show TLS behind both. */
const cluster = {
  open: () => Promise.reject(new Error("nothing is read as it comes")),
  forward: ({ name }: PodName, port: number) => {
    const server = port === INBOUND || name === "linkerds" ? tls : plain;
    const { port: real } = server.address() as AddressInfo;
    return Promise.resolve({
      url: `http://127.0.0.1:${real}`,
      close: () => Promise.resolve(),
    });
  },
};

function pod(
  name: string,
  more: { phase?: string; ports?: Container["ports"] } = {},
): () => Promise<Pod> {
  return () =>
    Promise.resolve({
      metadata: { name, namespace: "shop" },
      spec: {
        serviceAccountName: "front",
        containers: [{
          name: "linkerd-proxy",
          ports: more.ports ?? [
            { name: "linkerd-proxy", containerPort: INBOUND },
            { name: "linkerd-admin", containerPort: ADMIN },
          ],
          env: [{
            name: "LINKERD2_PROXY_IDENTITY_LOCAL_NAME",
            value:
              "$(_pod_sa).$(_pod_ns).serviceaccount.identity.linkerd.cluster.local",
          }],
        }],
      },
      status: { phase: more.phase ?? "Running" },
    });
}

test("certificates of our proxies and of Linkerd's are printed pod by pod", async () => {
  const { code, stdout, stderr } = await printAll(cluster, [
    pod("ours"),
    pod("linkerds"),
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const text = (stdout ?? []).join("");
  expect(text).toStartWith("\nPOD ours (1 of 2)\n\nCertificate:\n    Data:\n");
  expect(text).toContain("\nPOD linkerds (2 of 2)\n\nCertificate:\n");
  expect(text).toContain("        Subject: CN = web\n");
  const identity = "front.shop.serviceaccount.identity.linkerd.cluster.local";
  await bothAsked.promise;
  expect(asked).toEqual([identity, identity]);
});

test("what cannot be had is said, and does not keep back the rest", async () => {
  const missing = () =>
    Promise.reject(new ApiError(404, "NotFound", 'pods "gone" not found'));
  const { code, stdout, stderr } = await printAll(cluster, [
    missing,
    pod("early", { phase: "Pending" }),
    pod("unmeshed", { ports: [] }),
    pod("odd", { ports: [{ name: "linkerd-admin", containerPort: ADMIN }] }),
    pod("ours"),
  ]);
  expect(code).toBe(1);
  expect(stdout?.[0]).toBe("\nPOD ours (5 of 5)\n\n");
  expect(stderr).toStartWith(
    'pods "gone" not found\npod not running: early\nfailed to find linkerd-admin port in linkerd-proxy container of pod unmeshed\nIs the pod meshed? linkerd inject adds the proxy.\npod odd: no TLS handshake with front.shop.',
  );
  expect(stderr).not.toContain("Could not fetch");
});

test("nothing at all is told in Linkerd's words", async () => {
  expect(await printAll(cluster, [])).toEqual({
    code: 1,
    stdout: [],
    stderr:
      "Could not fetch Certificate. Ensure that the pod(s) are meshed by running `linkerd inject`\n",
  });
});
