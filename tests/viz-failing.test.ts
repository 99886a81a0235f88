// A backend that begins to fail is seen to: by `linkerd viz stat`, within two scrapes of its proxy.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { World } from "../cli/command.ts";
import { run } from "../cli/program.ts";
import { startLoad } from "../demo/bed/load.ts";
import type { Pod } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { startViz, type Viz } from "../demo/viz.ts";
import { serveHttp } from "./testing/application.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";

const PORT = 8080;

const world: World = {
  env: {},
  colour: false,
  terminal: false,
  print: () => {},
  readInput: () => Promise.resolve(new Uint8Array()),
};

let mesh: Mesh;
let client: Pod;
let viz: Viz;
let closeApp: () => void;
/** How the application answers. */
let status = 200;

beforeAll(async () => {
  mesh = await openMesh("viz-failing");
  const { bed } = mesh;
  const [caller, server] = await Promise.all([
    bed.addPod({ name: "client" }),
    bed.addPod({ name: "server", ports: [PORT] }),
  ]);
  client = caller;
  closeApp = serveHttp(server, PORT, () => status).close;
  await bed.addService({
    name: "server",
    ports: [{ port: 80, targetPort: PORT }],
    pods: [server],
  });
  viz = startViz([client, server], () => {});
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  await viz.close();
  closeApp();
  await mesh.close();
}, MESH_TIMEOUT_MS);

/** The share of requests of the last 15 s that went well; null when there were none. */
async function success(of: string): Promise<number | null> {
  const result = await run([
    ...["viz", "stat", of, "-t", "15s", "-o", "json"],
    ...["--api-addr", viz.address],
  ], world);
  if (!("code" in result) || result.code !== 0) {
    throw new Error(JSON.stringify(result));
  }
  return JSON.parse((result.stdout ?? []).join(""))[0]?.success ?? null;
}

test(
  "a backend that begins to fail shows its success rate within two scrapes",
  async () => {
    const load = startLoad(client, { url: "http://server/", rate: 50 });
    try {
      await load.started();
      for (const seen of ["po/server", "svc/server"]) {
        await waitFor(async () => await success(seen) === 1 || null, {
          what: () => `${seen} to be well`,
          timeoutMs: 30_000,
        });
      }
      status = 500;
      // Of two pods, and one that was on its way when it began.
      const enough = viz.scraped() + 2 * 2 + 1;
      await waitFor(() => viz.scraped() >= enough || null, {
        what: () => "two scrapes of both pods",
        timeoutMs: 30_000,
      });
      expect(await success("po/server")).toBeLessThan(0.95);
      expect(await success("svc/server")).toBeLessThan(0.95);
    } finally {
      await load.stop();
    }
  },
  120_000,
);
