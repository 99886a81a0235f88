import { down } from "./down.ts";
import { givenKubeconfig } from "./given.ts";
import { kubectl } from "./kubectl.ts";
import { API_HOME, createLayout, NODE_HOME } from "./layout.ts";
import { loadImages } from "./load.ts";
import { buildPrograms } from "./programs.ts";
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

/** The same for the cluster with a node, which all test files share too; or the one that somebody gives us. */
export async function openNode(home?: string): Promise<NodeCluster> {
  const given = givenKubeconfig();
  if (given !== undefined && home === undefined) return await openGiven(given);
  const ours = home ?? NODE_HOME;
  return {
    ...await open(ours, "node"),
    load: (archive) => loadImages(createLayout(ours), archive),
  };
}

/** A cluster of somebody else: it stays up, and has the images already. */
async function openGiven(kubeconfig: string): Promise<NodeCluster> {
  const programs = await buildPrograms(["kubectl"], say);
  const access = { kubeconfig, kubectl: programs.path("kubectl"), server: "" };
  const server = await kubectl(access, [
    ...["config", "view", "--minify", "-o"],
    "jsonpath={.clusters[0].cluster.server}",
  ]);
  const versions = await kubectl(access, ["version", "-o", "json"]);
  return {
    ...access,
    server,
    version: JSON.parse(versions).serverVersion.gitVersion,
    started: false,
    load: (archive) => {
      say(`${server} must have the images of ${archive}`);
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
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
