import { expect, test } from "bun:test";
import { ApiError, type Cluster } from "../cluster.ts";
import { findController } from "./controller.ts";

const OWNED = (kind: string, name: string) => ({
  ownerReferences: [{ kind, name }],
});

/** A cluster with these objects, by path. */
function clusterOf(objects: Readonly<Record<string, unknown>>): Cluster {
  return {
    server: "https://cluster",
    namespace: "default",
    call: ({ path }) =>
      path in objects
        ? Promise.resolve(objects[path])
        : Promise.reject(new ApiError(404, "NotFound", `${path} not found`)),
    open: () => Promise.reject(new Error("nothing is read as it comes")),
    forward: () => Promise.reject(new Error("not asked for")),
  };
}

const APPS = "/apis/apps/v1/namespaces/linkerd";
const pods = (...items: unknown[]) => ({
  [`${APPS}/deployments/linkerd-destination`]: {},
  [`${APPS}/replicasets`]: {
    items: [
      {
        metadata: {
          name: "dst-1",
          ...OWNED("Deployment", "linkerd-destination"),
        },
      },
      { metadata: { name: "other-1", ...OWNED("Deployment", "other") } },
    ],
  },
  "/api/v1/namespaces/linkerd/pods": { items },
});

test("the controller is the first running pod of the Deployment", async () => {
  const cluster = clusterOf(pods(
    {
      metadata: { name: "other", ...OWNED("ReplicaSet", "other-1") },
      status: { phase: "Running" },
    },
    {
      metadata: { name: "early", ...OWNED("ReplicaSet", "dst-1") },
      status: { phase: "Pending" },
    },
    {
      metadata: { name: "ready", ...OWNED("ReplicaSet", "dst-1") },
      status: { phase: "Running" },
    },
  ));
  expect(await findController(cluster, "linkerd"))
    .toEqual({ namespace: "linkerd", name: "ready" });
});

test("without one it is said what to do", async () => {
  for (const cluster of [clusterOf({}), clusterOf(pods())]) {
    await expect(findController(cluster, "linkerd")).rejects.toMatchObject({
      message: "no running pods found for linkerd-destination",
      hint: expect.stringContaining('"linkerd"'),
    });
  }
});
