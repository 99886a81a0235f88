import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import type http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { makeServer } from "../../certificates/make.ts";
import type { Cluster } from "../../cluster.ts";
import type { World } from "../../command.ts";
import { parseFlags } from "../../flags.ts";
import { GLOBAL_FLAGS } from "../../global-flags.ts";
import { openCluster } from "../open.ts";

/** Stands in for an API server: HTTPS on loopback that asks for client certificates. */
export interface TestServer {
  readonly url: string;
  readonly https: https.Server;
  /** A folder that goes away with the server. */
  readonly folder: string;
  /** Certificate of the server, which is its own authority; certificate and key of a client it knows. */
  readonly ca: string;
  readonly client: { readonly crtPEM: string; readonly keyPEM: string };
  readonly close: () => Promise<void>;
}

export type Answer = (
  request: http.IncomingMessage,
  response: http.ServerResponse,
) => void;

export async function startServer(
  answer: Answer,
  { rejectUnauthorized } = { rejectUnauthorized: false },
): Promise<TestServer> {
  const own = makeServer("localhost", Date.now());
  const client = makeServer("jane", Date.now());
  const server = https.createServer({
    cert: own.crtPEM,
    key: own.keyPEM,
    ca: client.crtPEM,
    requestCert: true,
    rejectUnauthorized,
  }, answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), "cluster-"));
  return {
    url: `https://localhost:${port}`,
    https: server,
    folder,
    ca: own.crtPEM,
    client,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  };
}

/** Writes a file beside the server's others and returns its path. */
export async function writeBeside(
  { folder }: Pick<TestServer, "folder">,
  name: string,
  text: string,
  mode = 0o600,
): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

/** A kubeconfig of one context, `main`, for a server; `user` and `cluster` have more fields. */
export async function writeKubeconfig(
  server: TestServer,
  user: Readonly<Record<string, unknown>>,
  cluster: Readonly<Record<string, unknown>> = {},
  name = "config",
): Promise<string> {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "main",
    contexts: [{
      name: "main",
      context: { cluster: "here", user: "jane", namespace: "shop" },
    }],
    clusters: [{
      name: "here",
      cluster: {
        server: server.url,
        "certificate-authority-data": btoa(server.ca),
        ...cluster,
      },
    }],
    users: [{ name: "jane", user }],
  };
  return await writeBeside(server, name, stringify(config));
}

/** Opens a cluster as a command line with these arguments does. */
export async function open(
  args: readonly string[],
  env: World["env"] = {},
): Promise<Cluster> {
  const world: World = {
    env,
    colour: false,
    terminal: false,
    print: () => {},
    readInput: () => Promise.resolve(new Uint8Array()),
  };
  return await openCluster(parseFlags(args, GLOBAL_FLAGS), world);
}
