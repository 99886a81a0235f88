import { down } from "./down.ts";
import { API_HOME, createLayout, NODE_HOME } from "./layout.ts";
import { loadImages } from "./load.ts";
import { say } from "./say.ts";
import { type Cluster, type Kind, up } from "./up.ts";

/** A real API server for tests. */
export interface ApiServer extends Cluster {
  /** Ends the cluster if this test file had to start it; else leaves it to who did. */
  stop(): Promise<void>;
}

/** The programs are built by then (`npm run test:cluster` sees to it); this starts them on a busy machine. */
export const OPEN_TIMEOUT_MS = 180_000;

/**
 * The API server that all test files share; started when it is not up. Each test works in a namespace of its own and
 * removes it, and what it makes outside of namespaces. A test that cannot share names a folder for one of its own.
 *
 *     let api: ApiServer;
 *     beforeAll(async () => { api = await openApiServer(); }, OPEN_TIMEOUT_MS);
 *     afterAll(() => api.stop());
 *     test("…", async () => { await kubectl(api, ["apply", "-f", "-"], manifest); });
 */
export async function openApiServer(home = API_HOME): Promise<ApiServer> {
  return await open(home, "api-only");
}

/** A real cluster for tests, whose pods run. */
export interface NodeCluster extends ApiServer {
  /** Gives its node the images of an OCI archive. */
  load(archive: string): Promise<void>;
}

/** The same for the cluster with a node, which all test files share too. */
export async function openNode(home = NODE_HOME): Promise<NodeCluster> {
  return {
    ...await open(home, "node"),
    load: (archive) => loadImages(createLayout(home), archive),
  };
}

async function open(home: string, kind: Kind): Promise<ApiServer> {
  const layout = createLayout(home);
  const cluster = await up(layout, kind, say);
  return {
    ...cluster,
    async stop() {
      if (cluster.started) await down(layout, say);
    },
  };
}
