import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Forward, PodName } from "../cluster.ts";
import type { Pod } from "../workload/pods.ts";
import { adminPorts, fetchMetrics, pageBlock } from "./scrape.ts";

let server: Server;
let url: string;
let open = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === "/metrics") response.end("up 1\n");
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

/** Forwards every port to the one server, but for a pod that cannot be reached and one that has no metrics. */
const cluster = {
  open: () => Promise.reject(new Error("nothing is read as it comes")),
  forward: ({ name }: PodName): Promise<Forward> => {
    if (name === "lost") return Promise.reject(new Error("no such pod"));
    open++;
    return Promise.resolve({
      url: name === "odd" ? `${url}/odd` : url,
      close: () => Promise.resolve(void open--),
    });
  },
};

function pod(name: string, phase = "Running"): Pod {
  return {
    metadata: { name, namespace: "linkerd" },
    spec: {
      initContainers: [
        { name: "linkerd-init", ports: [] },
        {
          name: "linkerd-proxy",
          restartPolicy: "Always",
          ports: [
            { name: "linkerd-proxy", containerPort: 4143 },
            { name: "linkerd-admin", containerPort: 4191 },
          ],
        },
      ],
      containers: [
        {
          name: "policy",
          ports: [{ name: "policy-admin", containerPort: 9990 }],
        },
        {
          name: "destination",
          ports: [{ name: "dest-admin", containerPort: 9996 }],
        },
      ],
    },
    status: { phase },
  };
}

test("admin ports are those of running pods, sidecars included, by pod and container", () => {
  const ports = adminPorts([pod("b"), pod("a"), pod("c", "Pending")], "-admin");
  expect(
    ports.map(({ pod, container, port }) => `${pod.name} ${container} ${port}`),
  )
    .toEqual([
      "a destination 9996",
      "a linkerd-proxy 4191",
      "a policy 9990",
      "b destination 9996",
      "b linkerd-proxy 4191",
      "b policy 9990",
    ]);
  expect(adminPorts([pod("a")], "linkerd-admin").map(({ port }) => port))
    .toEqual([4191]);
});

test("pages are printed under their pod, those that cannot be had with the reason", async () => {
  const ports = adminPorts(
    ["good", "lost", "odd"].map((name) => pod(name)),
    "linkerd-admin",
  );
  const pages = await fetchMetrics(cluster, ports, 5_000);
  expect(open).toBe(0);
  expect(
    pages.map((page, at) =>
      pageBlock(page, at, pages.length, { container: false })
    ).join(""),
  ).toBe(`\
#
# POD good (1 of 3)
#
up 1
#
# POD lost (2 of 3)
#
# ERROR: no such pod
#
# POD odd (3 of 3)
#
# ERROR: /metrics answers 404 Not Found
`);
});

test("blocks of the control plane name the container", () => {
  const port = {
    pod: { namespace: "linkerd", name: "p" },
    container: "c",
    port: 1,
  };
  const show = { container: true };
  expect(pageBlock({ ...port, text: "up 1\n" }, 0, 2, show))
    .toBe("#\n# POD p (1 of 2)\n# CONTAINER c \n#\nup 1\n");
  expect(pageBlock({ ...port, error: "gone" }, 1, 2, show))
    .toBe("#\n# POD p (2 of 2)\n# CONTAINER c \n#\n# ERROR gone\n");
});

test("who is late is an error, not a wait", async () => {
  const forever = {
    open: () => Promise.reject(new Error("nothing is read as it comes")),
    forward: () =>
      Promise.resolve({
        url: "http://127.0.0.1:1",
        close: () => Promise.resolve(),
      }),
  };
  const [page] = await fetchMetrics(
    forever,
    adminPorts([pod("a")], "linkerd-admin"),
    0,
  );
  expect(page?.error).toBeDefined();
});
