import { chown, mkdir, writeFile } from "node:fs/promises";
import { type Bed, openBed } from "../demo/bed/bed.ts";
import { APPLICATION_UID } from "../demo/bed/layout.ts";
import type { Pod } from "../demo/bed/pod.ts";
import { startBackend } from "./backend.ts";
import { createCertificates } from "./certificates.ts";

/** Where everything happens: two pods without our proxies, for the peers; a subject may add its own to the bed. */
export interface Stage {
  readonly bed: Bed;
  readonly client: Pod;
  readonly server: Pod;
  /** Paths of PEM files; `both` is certificate and key in one, as haproxy wants them. */
  readonly tls: TlsFiles;
  /** A folder that programs in pods may write to. */
  folder(name: string): Promise<string>;
  /** Writes a file that programs in pods may read, and tells its path. */
  file(name: string, text: string): Promise<string>;
}

export interface TlsFiles {
  readonly anchor: string;
  readonly client: LeafFiles;
  readonly server: LeafFiles;
}

export interface LeafFiles {
  readonly certificate: string;
  readonly key: string;
  readonly both: string;
}

/** Opens a bed with the peers' pods and a backend in the server's. */
export async function openStage(log: (line: string) => void): Promise<Stage> {
  const bed = await openBed({ name: "bench", log });
  try {
    return await furnish(bed);
  } catch (error) {
    await bed.close();
    throw error;
  }
}

async function furnish(bed: Bed): Promise<Stage> {
  const home = `${bed.layout.home}/bench`;
  const folder = async (name: string): Promise<string> => {
    const path = `${home}/${name}`;
    await mkdir(path, { recursive: true });
    await chown(path, APPLICATION_UID, APPLICATION_UID);
    return path;
  };
  const file = async (name: string, text: string): Promise<string> => {
    const path = `${home}/${name}`;
    await writeFile(path, text, { mode: 0o600 });
    await chown(path, APPLICATION_UID, APPLICATION_UID);
    return path;
  };
  await folder("");
  const { anchor, client, server } = await createCertificates(Date.now());
  const leaf = async (
    name: string,
    pem: typeof client,
  ): Promise<LeafFiles> => ({
    certificate: await file(`${name}.crt`, pem.certificate),
    key: await file(`${name}.key`, pem.key),
    both: await file(`${name}.pem`, pem.certificate + pem.key),
  });
  const stage: Stage = {
    bed,
    client: await bed.addPod({ name: "client", meshed: false }),
    server: await bed.addPod({ name: "server", meshed: false }),
    tls: {
      anchor: await file("anchor.crt", anchor),
      client: await leaf("client", client),
      server: await leaf("server", server),
    },
    folder,
    file,
  };
  await startBackend(stage, stage.server);
  return stage;
}
