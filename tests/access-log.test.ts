import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import {
  addBackend,
  BACKEND_PORTS,
  type Mesh,
  MESH_TIMEOUT_MS,
  openMesh,
} from "./testing/mesh.ts";

let mesh: Mesh;
let caller: Pod;
let outsider: Pod;

beforeAll(async () => {
  mesh = await openMesh("access");
  [caller, outsider] = await Promise.all([
    mesh.bed.addPod({ name: "caller", serviceAccount: "caller" }),
    mesh.bed.addPod({ name: "outsider", meshed: false }),
  ]);
}, MESH_TIMEOUT_MS);

afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

async function serve(name: string, format: string): Promise<Pod> {
  const { pod } = await addBackend(mesh.bed, {
    name,
    proxyEnv: { LINKERD2_PROXY_ACCESS_LOG: format },
  });
  return pod;
}

/** Asks until it is answered: the answer, and the line of the server's proxy about it. */
async function ask(
  from: Pod,
  server: Pod,
  path: string,
): Promise<{ readonly answer: string; readonly line: string }> {
  const url = `http://${server.ip}:${BACKEND_PORTS.http}${path}`;
  const answer = await waitFor(async () => {
    const { code, stdout } = await from.exec([
      ...["curl", "-sf", "-A", "tester/1.0", "-H", "x-request-id: r1"],
      ...["--data", "twelve bytes", url],
    ]);
    return code === 0 ? stdout : null;
  }, { what: () => `an answer of ${url}` });
  return { answer, line: await proxyOf(server).program().line(path) };
}

test("json: one object for a request, with who asked", async () => {
  const server = await serve("json", "json");
  const asked = await ask(caller, server, "/a?b=1");
  const line = JSON.parse(asked.line);
  expect(line).toMatchObject({
    "client.id": "caller.default.serviceaccount.identity.linkerd.cluster.local",
    method: "POST",
    version: "HTTP/2.0",
    uri: `http://${server.ip}:${BACKEND_PORTS.http}/a?b=1`,
    trace_id: "r1",
    request_bytes: "12",
    status: 200,
    response_bytes: String(asked.answer.length),
    user_agent: "tester/1.0",
    host: `${server.ip}:${BACKEND_PORTS.http}`,
  });
  expect(line["client.addr"]).toStartWith(`${caller.ip}:`);
  expect(Math.abs(Date.parse(line.timestamp) - Date.now())).toBeLessThan(
    60_000,
  );
  expect(Number(line.total_ns)).toBeGreaterThanOrEqual(
    Number(line.processing_ns),
  );
}, 60_000);

test(
  "apache: a line that a path cannot break, and - for who has no name",
  async () => {
    const server = await serve("apache", "apache");
    const { line } = await ask(outsider, server, "/a%22b");
    expect(line).toMatch(
      new RegExp(
        `^${outsider.ip}:\\d+ - - \\[\\d{4}-\\d\\d-\\d\\dT[\\d:]+\\.\\d{9}Z\\] "POST /a%22b HTTP/1\\.1" 200$`,
      ),
    );
  },
  60_000,
);
