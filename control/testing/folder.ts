import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  type Client,
  type ConnectRouter,
  createClient,
} from "@connectrpc/connect";
import {
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import type { DescService } from "@bufbuild/protobuf";
import { type FilesSource, openFilesSource } from "../files/source.ts";
import { createSettings, type Settings } from "../index/settings.ts";
import { createMetrics } from "../metrics.ts";
import { destinationRoutes } from "../serve/destination.ts";
import { serveGrpc } from "../serve/grpc.ts";
import { observeCalls } from "../serve/observe.ts";
import { policyRoutes } from "../serve/policy.ts";
import { createWorld, type World } from "../world.ts";
import { type Recorder, recordLogs } from "./logs.ts";

/** A control plane over a folder of its own, with everything real but the programs around it. */
export interface FolderMesh {
  readonly dir: string;
  readonly world: World;
  readonly source: FilesSource;
  readonly logs: Recorder;
  readonly client: <T extends DescService>(service: T) => Client<T>;
  /** Replaces a file at once, as careful editors do; creates folders on the way. */
  readonly save: (
    file: string,
    ...manifests: readonly unknown[]
  ) => Promise<void>;
  readonly saveText: (file: string, text: string) => Promise<void>;
  readonly remove: (file: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts a control plane over a new folder that holds `files`. */
export async function startFolderMesh(
  files: Readonly<Record<string, readonly unknown[]>> = {},
  settings: Partial<Settings> = {},
): Promise<FolderMesh> {
  const dir = await mkdtemp(join(tmpdir(), "manifests-"));
  const logs = recordLogs();
  const { log } = logs;
  const saveText: FolderMesh["saveText"] = async (file, text) => {
    const path = join(dir, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.tmp`, text);
    await rename(`${path}.tmp`, path);
  };
  const save: FolderMesh["save"] = (file, ...manifests) =>
    saveText(file, toYaml(manifests));
  for (const [file, manifests] of Object.entries(files)) {
    await save(file, ...manifests);
  }

  const world = createWorld({
    settings: createSettings(settings),
    log,
    hasStatuses: false,
  });
  const watching = new AbortController();
  const source = await openFilesSource({
    dir,
    emit: world.apply,
    log,
    signal: watching.signal,
  });
  const routes = (router: ConnectRouter): void => {
    destinationRoutes(world)(router);
    policyRoutes(world)(router);
  };
  const server = await serveGrpc({
    address: { host: "127.0.0.1", port: 0 },
    routes,
    observe: observeCalls(createMetrics()),
  });
  const baseUrl = `http://127.0.0.1:${server.port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return {
    dir,
    world,
    source,
    logs,
    client: (service) => createClient(service, transport),
    save,
    saveText,
    remove: (file) => rm(join(dir, file), { recursive: true }),
    close: async () => {
      watching.abort();
      sessionManager.abort();
      await server.close();
      world.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** JSON is YAML, and `---` parts documents of either. */
export function toYaml(manifests: readonly unknown[]): string {
  return manifests.map((manifest) =>
    `---\n${JSON.stringify(manifest, null, 2)}\n`
  )
    .join("");
}
