import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Pod } from "../demo/bed/pod.ts";
import type { Service } from "../demo/bed/service.ts";
import {
  addBackend,
  BACKEND_PORTS,
  type Mesh,
  MESH_TIMEOUT_MS,
  openMesh,
} from "./testing/mesh.ts";

/** What nothing but a test's own request contains. */
const MARKER = `marker-${crypto.randomUUID()}`;

let mesh: Mesh;
let meshed: { client: Pod; server: Service };
let plain: { client: Pod; server: Service };

beforeAll(async () => {
  mesh = await openMesh("secrecy");
  const side = async (name: string, isMeshed: boolean) => {
    const [client, backend] = await Promise.all([
      mesh.bed.addPod({
        name: `${name}-client`,
        namespace: "app",
        meshed: isMeshed,
      }),
      addBackend(mesh.bed, {
        name,
        serviceAccount: SERVER_ACCOUNT,
        meshed: isMeshed,
      }),
    ]);
    const server = await mesh.bed.addService({
      name,
      namespace: "app",
      ports: [
        { name: "http", port: 80, targetPort: BACKEND_PORTS.http },
        { name: "echo", port: BACKEND_PORTS.echo },
      ],
      annotations: { "config.linkerd.io/opaque-ports": "9000" },
      pods: [backend.pod],
    });
    return { client, server };
  };
  [meshed, plain] = await Promise.all([
    side("meshed", true),
    side("plain", false),
  ]);
}, MESH_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

const SERVER_ACCOUNT = "server";

/** How a marker is sent and comes back: as the body of a request, and as bytes of no known protocol. */
const WAYS = [
  ["HTTP", (host: string) => ["curl", "-sS", "-d", MARKER, `http://${host}/`]],
  [
    "TCP",
    (host: string) => ["bun", "tests/testing/say.ts", host, "9000", MARKER],
  ],
] as const;

/** All packets on the bridge while the marker goes from a client to a server and back. */
async function record(
  client: Pod,
  argv: readonly string[],
): Promise<Buffer> {
  const capture = await mesh.bed.capture();
  const { stdout, stderr } = await client.exec(argv);
  expect({ stdout: stdout.trim(), stderr }).toEqual({
    stdout: MARKER,
    stderr: "",
  });
  return await capture.stop();
}

for (const [protocol, command] of WAYS) {
  test(`what meshed pods say over ${protocol} cannot be read on its way`, async () => {
    const packets = await record(
      meshed.client,
      command(meshed.server.host),
    );
    expect(packets.includes(MARKER)).toBe(false);
    // Nor was it overlooked: the handshake of the very connection is there, with the server's name in its first message.
    expect(packets.includes(`${SERVER_ACCOUNT}.app.serviceaccount.identity`))
      .toBe(true);
  });

  test(`what a meshed pod says over ${protocol} to one outside the mesh arrives, readable`, async () => {
    const packets = await record(
      meshed.client,
      command(plain.server.host),
    );
    expect(packets.includes(MARKER)).toBe(true);
  });

  test(`what a pod outside the mesh says over ${protocol} to a meshed one arrives, readable`, async () => {
    const packets = await record(
      plain.client,
      command(meshed.server.host),
    );
    expect(packets.includes(MARKER)).toBe(true);
  });
}
