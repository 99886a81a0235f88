// `linkerd viz tap` through the metrics program, its proxy and those of the pods that it taps, each with the identity that it
// has in a cluster.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { startLoad } from "../demo/bed/load.ts";
import type { Pod } from "../demo/bed/pod.ts";
import type { Exit } from "../demo/bed/program.ts";
import { waitFor } from "../demo/bed/wait.ts";
import type { TapEvent } from "../schemas/tap.ts";
import { dialRaw } from "./testing/raw-socket.ts";
import {
  addBackend,
  BACKEND_PORTS,
  type Mesh,
  MESH_TIMEOUT_MS,
  openMesh,
} from "./testing/mesh.ts";

setDefaultTimeout(90_000);

let mesh: Mesh;
const pods = {} as Record<
  "metrics" | "other" | "client" | "web" | "api" | "secret",
  Pod
>;
let load: ReturnType<typeof startLoad>;

beforeAll(async () => {
  mesh = await openMesh("tap");
  const { bed } = mesh;
  const backend = async (name: string, annotations = {}) => {
    const { pod } = await addBackend(bed, {
      name,
      serviceAccount: name,
      deployment: name,
      annotations,
    });
    const ports = [{ port: 80, targetPort: BACKEND_PORTS.http }];
    await bed.addService({ name, namespace: "app", ports, pods: [pod] });
    return pod;
  };
  const program = (serviceAccount: string) =>
    bed.addPod({ name: serviceAccount, namespace: "linkerd", serviceAccount });
  [
    pods.metrics,
    pods.other,
    pods.client,
    pods.web,
    pods.api,
    pods.secret,
  ] = await Promise.all([
    program("linkerd-metrics"),
    program("other"),
    bed.addPod({ name: "client", namespace: "app", deployment: "client" }),
    backend("web"),
    backend("api"),
    backend("secret", { "viz.linkerd.io/disable-tap": "true" }),
  ]);
  await Promise.all([pods.metrics, pods.other].map((pod) =>
    pod.run([
      ...["bun", "control/main.ts", "metrics", "--source", "files"],
      ...["--manifests", bed.layout.manifests, "--addr", "127.0.0.1:8085"],
      ...["--admin-addr", ":9998"],
    ]).line("serving")
  ));
  load = startLoad(pods.client, { url: "http://api/steady", rate: 20 });
  await load.started();
}, 2 * MESH_TIMEOUT_MS);

afterAll(async () => {
  await load?.stop();
  await mesh.close();
}, MESH_TIMEOUT_MS);

interface Tapped {
  readonly lines: string[];
  readonly events: TapEvent[];
  readonly ended: Promise<Exit>;
  stop(): Promise<Exit>;
}

/** Types `linkerd viz tap` beside the metrics program. */
function tap(args: readonly string[], from = pods.metrics): Tapped {
  const lines: string[] = [];
  const program = from.run([
    ...["bun", "cli/main.ts", "viz", "tap", ...args],
    ...["--api-addr", "127.0.0.1:8085"],
  ], {
    onLine: (line, stream) => stream === "stdout" && lines.push(line),
  });
  return {
    lines,
    get events() {
      return lines.join("\n").split(/^(?=\{$)/m)
        .filter((text) => /^\}$/m.test(text))
        .map((text): TapEvent => JSON.parse(text));
    },
    ended: program.exited,
    stop: () => program.stop(),
  };
}

/** Sends a request as it is written, from the client's application. */
async function ask(pod: Pod, head: readonly string[]): Promise<void> {
  const socket = await dialRaw(pods.client, pod.ip, BACKEND_PORTS.http);
  socket.write([...head, "connection: close", "", ""].join("\r\n"));
  await socket.ended;
}

/** Taps, asks again and again until what is looked for has been shown, and gives all that was shown. */
async function shown(
  args: readonly string[],
  isEnough: (lines: readonly string[]) => boolean,
  head: readonly string[] = ["GET / HTTP/1.1", "host: web"],
): Promise<readonly string[]> {
  const tapped = tap(args);
  try {
    await waitFor(async () => {
      await ask(pods.web, head);
      return isEnough(tapped.lines) || null;
    }, {
      what: () => `more than\n${tapped.lines.join("\n")}`,
      intervalMs: 100,
      timeoutMs: 60_000,
    });
  } finally {
    await tapped.stop();
  }
  return tapped.lines;
}

const isRequest = (line: string) => line.startsWith("req ");

test("a workload's requests are shown where they go out and where they come in", async () => {
  const isSteady = (line: string) => / tls=true .*:path=\/steady/.test(line);
  const out = await shown(
    ["deploy/client", "-n", "app", "-o", "wide"],
    (lines) => lines.some(isSteady),
  );
  const sent = out.find(isSteady);
  expect(sent).toContain("proxy=out");
  expect(sent).toContain("src_deployment=client");
  expect(sent).toContain("dst_deployment=api");
  expect(sent).toContain("dst_service=api");
  expect(sent).toContain("dst_namespace=app");

  const into = await shown(
    ["deploy/api", "-n", "app", "-o", "wide"],
    (lines) => lines.some((line) => line.startsWith("end ")),
  );
  const got = into.find(isRequest);
  expect(got).toContain("proxy=in ");
  expect(got).toContain("tls=true");
  expect(got).toContain("src_pod=client");
  expect(got).toContain("dst_pod=api");
  const id = /id=\S+/.exec(got ?? "")?.[0] ?? "no id";
  const turns = into.filter((line) => line.includes(`${id} `));
  expect(turns.map((line) => line.slice(0, 3))).toEqual(["req", "rsp", "end"]);
});

test.each([
  [["--method", "PURGE"], ["PURGE /a HTTP/1.1", "host: web"], ":method=PURGE"],
  [["--path", "/so"], ["GET /some/where HTTP/1.1", "host: web"], ":path=/some"],
  [
    ["--authority", "other.example"],
    ["GET / HTTP/1.1", "host: other.example"],
    ":authority=other.example",
  ],
])("%j shows only such requests", async (args, head, expected) => {
  const lines = await shown(
    ["ns/app", "-n", "app", ...args],
    (lines) => lines.filter(isRequest).length >= 4,
    head,
  );
  const requests = lines.filter(isRequest);
  // The load, which asks for something else twenty times a second, is not among them.
  for (const request of requests) expect(request).toContain(expected);
  expect(new Set(requests.map((line) => /proxy=\w+/.exec(line)?.[0])))
    .toEqual(new Set(["proxy=in", "proxy=out"]));
});

test("only what goes to another workload, or to a Service", async () => {
  for (const to of ["deploy/api", "svc/api"]) {
    const lines = await shown(
      ["po", "-n", "app", "--to", to, "-o", "wide"],
      (lines) => lines.filter(isRequest).length >= 4,
    );
    for (const line of lines.filter(isRequest)) {
      expect(line).toContain("proxy=out");
      expect(line).toContain("dst_deployment=api");
    }
  }
});

test("what senders choose comes out whole, and harmless to a terminal", async () => {
  const long = "v".repeat(10_000);
  const tapped = tap(["deploy/web", "-n", "app", "-o", "json"]);
  const head = [
    "GET /%1b[2J<script>alert(1)</script> HTTP/1.1",
    "host: web",
    "x-turned: \u00e2\u0080\u00ae<b>evil</b>",
    "x-broken: \u00ff\u00fe",
    `x-long: ${long}`,
  ];
  let event: TapEvent | undefined;
  try {
    await waitFor(async () => {
      await ask(pods.web, head);
      event = tapped.events.find(({ requestInitEvent }) =>
        requestInitEvent?.path.includes("alert")
      );
      return event ?? null;
    }, { what: () => "the request", intervalMs: 100, timeoutMs: 60_000 });
  } finally {
    await tapped.stop();
  }
  expect(event?.requestInitEvent?.path)
    .toBe("/%1b[2J<script>alert(1)</script>");
  const fields = event?.requestInitEvent?.headers ?? [];
  expect(fields).toContainEqual({ name: "x-long", valueStr: long });
  expect(fields).toContainEqual({
    name: "x-turned",
    valueStr: "\u202e<b>evil</b>",
  });
  expect(fields).toContainEqual({ name: "x-broken", valueBin: "//4=" });
  expect(tapped.lines.join("\n")).not.toMatch(/[^\P{C}\n]/u);
});

test("who has another identity is shown nothing, and told so", async () => {
  const tapped = tap(["deploy/web", "-n", "app"], pods.other);
  const { code, stderr } = await tapped.ended;
  expect(tapped.lines).toEqual([]);
  expect(code).toBe(1);
  expect(stderr).toContain("Unauthorized client");
});

test("a pod that says so is not tapped", async () => {
  const tapped = tap(["deploy/secret", "-n", "app"]);
  const { code, stderr } = await tapped.ended;
  expect(code).toBe(1);
  expect(stderr).toContain(
    "of 1 pod, 1 with tap disabled (viz.linkerd.io/disable-tap)",
  );
});
