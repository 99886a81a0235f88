import type { ApiServer } from "../kube/in-cluster.ts";

type Fields = Record<string, unknown>;

/** An API server that has one Lease and knows versions; a replica is cut off by its token. */
export interface LeaseServer {
  readonly reach: (replica: string) => ApiServer;
  /** Calls of that replica fail from now on. */
  readonly cut: (replica: string) => void;
  readonly spec: () => Fields | undefined;
  readonly metadata: () => Fields | undefined;
  readonly close: () => Promise<void>;
}

export function serveLease(): LeaseServer {
  let lease: { metadata: Fields; spec: Fields } | undefined;
  let version = 0;
  const cut = new Set<string>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const token = request.headers.get("authorization") ?? "";
      if (cut.has(token.replace("Bearer ", ""))) return answer(500);
      const { pathname } = new URL(request.url);
      if (!pathname.includes("/leases")) {
        return Response.json({
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "owner", uid: "1" },
        });
      }
      const body = request.method === "GET"
        ? {}
        : await request.json() as { metadata: Fields; spec: Fields };
      switch (request.method) {
        case "POST":
          if (lease !== undefined) return answer(409);
          lease = body as NonNullable<typeof lease>;
          return stored();
        case "PATCH": {
          const { metadata, spec } = body as NonNullable<typeof lease>;
          const at = lease?.metadata["resourceVersion"];
          if (lease === undefined || metadata["resourceVersion"] !== at) {
            return answer(409);
          }
          lease.spec = { ...lease.spec, ...spec };
          return stored();
        }
        default:
          return lease === undefined ? answer(404) : Response.json(lease);
      }
    },
  });

  function stored(): Response {
    if (lease === undefined) return answer(404);
    lease.metadata = { ...lease.metadata, resourceVersion: `${++version}` };
    return Response.json(lease);
  }

  return {
    reach: (replica) => ({
      url: `http://127.0.0.1:${server.port}`,
      token: () => Promise.resolve(replica),
      ca: () => Promise.resolve(""),
    }),
    cut: (replica) => void cut.add(replica),
    spec: () => lease?.spec,
    metadata: () => lease?.metadata,
    close: () => server.stop(true),
  };
}

function answer(status: number): Response {
  return Response.json({ message: "no" }, { status });
}
