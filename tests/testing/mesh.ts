import { type Bed, openBed } from "../../demo/bed/bed.ts";
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from "../../demo/bed/control-plane.ts";
import type { Pod, PodSpec } from "../../demo/bed/pod.ts";
import type { Program } from "../../demo/bed/program.ts";

/** A bed with its control plane. */
export interface Mesh {
  readonly bed: Bed;
  readonly controlPlane: ControlPlane;
  close(): Promise<void>;
}

/** Starting or ending a mesh, on a machine that is busy with other tests. */
export const MESH_TIMEOUT_MS = 60_000;

/** Opens a mesh without workloads; nothing is left when that fails. */
export async function openMesh(
  name: string,
  options: ControlPlaneOptions = {},
): Promise<Mesh> {
  const bed = await openBed({ name });
  try {
    const controlPlane = await startControlPlane(bed, options);
    return { bed, controlPlane, close: () => bed.close() };
  } catch (error) {
    await bed.close();
    throw error;
  }
}

/** A pod in namespace `app` that runs `backend.ts`. */
export interface Backend {
  readonly pod: Pod;
  readonly program: Program;
  /** How many HTTP requests have come to its port 8080. */
  served(): Promise<number>;
}

export interface BackendSpec extends Omit<PodSpec, "namespace" | "ports"> {
  readonly env?: Readonly<Record<string, string>>;
}

/** Ports of `backend.ts`. */
export const BACKEND_PORTS = { http: 8080, count: 8081, echo: 9000 } as const;

/** Adds a pod whose server answers with the pod's name. */
export async function addBackend(
  bed: Bed,
  { env = {}, ...spec }: BackendSpec,
): Promise<Backend> {
  const pod = await bed.addPod({
    ...spec,
    namespace: "app",
    ports: Object.values(BACKEND_PORTS),
  });
  const program = pod.run(["bun", "tests/testing/backend.ts"], {
    env: { NAME: pod.name, ...env },
  });
  await program.line("ready");
  const count = `http://${pod.ip}:${BACKEND_PORTS.count}/`;
  return {
    pod,
    program,
    served: async () => Number(await (await bed.fetch(count)).text()),
  };
}
