import { expect, test } from "bun:test";
import { ApiError, type Cluster } from "../cluster.ts";
import { openKinds } from "./open.ts";

test("objects of each kind are asked for in the version that is stored, whatever is answered", async () => {
  const asked: unknown[] = [];
  const cluster: Cluster = {
    server: "https://here",
    namespace: "default",
    call: ({ path, query }) => {
      asked.push([path, query?.["fieldSelector"]]);
      return path.endsWith("servers")
        ? Promise.resolve({ items: [] })
        : Promise.reject(new ApiError(403, "Forbidden", "not for you"));
    },
    open: () => Promise.reject(new Error("nothing is read as it comes")),
    forward: () => Promise.reject(new Error("no Pods here")),
  };
  const definition = (plural: string, versions: readonly string[]) => ({
    metadata: { name: `${plural}.policy.linkerd.io` },
    spec: {
      group: "policy.linkerd.io",
      names: { plural },
      versions: versions.map((name, index) => ({
        name,
        storage: index === versions.length - 1,
      })),
    },
  });
  await openKinds(cluster, [
    definition("servers", ["v1beta1", "v1beta3"]),
    definition("httproutes", ["v1beta3"]),
  ]);
  expect(asked).toEqual([
    ["/apis/policy.linkerd.io/v1beta3/servers", "metadata.name=none"],
    ["/apis/policy.linkerd.io/v1beta3/httproutes", "metadata.name=none"],
  ]);
});
