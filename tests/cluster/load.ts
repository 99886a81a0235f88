import { resolve } from "node:path";
import { Problem } from "../../schemas/problem.ts";
import type { Layout } from "./layout.ts";
import { importImages } from "./node/containerd.ts";
import { readRecord } from "./record.ts";

/** Gives the node of a cluster the images of an OCI archive. */
export async function loadImages(
  layout: Layout,
  archive: string,
): Promise<void> {
  const node = readRecord(layout.record)?.daemons
    .find(({ name }) => name === "node");
  if (node === undefined) {
    throw new Problem(
      "config.invalid",
      `Cannot load ${archive}: there is no node in ${layout.home}`,
      { hint: "start one with: npm run cluster -- up" },
    );
  }
  await importImages(layout, node, resolve(archive));
}
