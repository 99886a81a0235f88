import { type Bed, openBed } from "../../demo/bed/bed.ts";
import {
  type ControlPlane,
  startControlPlane,
} from "../../demo/bed/control-plane.ts";

/** A bed with a control plane. */
export interface Mesh {
  readonly bed: Bed;
  readonly control: ControlPlane;
}

/** Opens a bed and starts a control plane in it; leaves nothing behind when that fails. Close its bed. */
export async function openMesh(name: string): Promise<Mesh> {
  const bed = await openBed({ name });
  try {
    return { bed, control: await startControlPlane(bed) };
  } catch (error) {
    await bed.close();
    throw error;
  }
}
