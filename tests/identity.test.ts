import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { proxyOf } from "../demo/bed/pod.ts";

let mesh: Mesh;

beforeAll(async () => {
  mesh = await openMesh("identity");
}, MESH_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

test(
  "linkerd identity and proxy-metrics read a real proxy, where a port-forward ends",
  async () => {
    const pod = await mesh.bed.addPod({
      name: "web",
      namespace: "app",
      serviceAccount: "web",
    });
    await proxyOf(pod).ready();
    const identity = "web.app.serviceaccount.identity.linkerd.cluster.local";
    const { stdout } = await pod.exec([
      ...["bun", "tests/testing/show-identity.ts"],
      identity,
    ]);
    const shown = JSON.parse(stdout);
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    const text = shown.stdout.join("");
    expect(text).toStartWith("\nPOD web (1 of 1)\n\nCertificate:\n");
    expect(text).toContain(`                DNS:${identity}\n`);
    expect(shown.metrics).toStartWith("#\n# POD web (1 of 1)\n#\n# HELP ");
    expect(shown.metrics).toContain("\nprocess_start_time_seconds ");
  },
  MESH_TIMEOUT_MS,
);
