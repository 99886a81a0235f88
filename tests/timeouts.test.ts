// Limits of time end what takes longer, through real proxies: when they say, with the right answer, and leaving nothing.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { ServerHttp2Stream } from "node:http2";
import type { Pod } from "../demo/bed/pod.ts";
import type { Service } from "../demo/bed/service.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { ErrorCode } from "../proxy/http/message.ts";
import { TRAFFIC_ANNOTATIONS } from "../schemas/names.ts";
import { EMPTY_MESSAGE, serveStreams } from "./testing/application.ts";
import { ask } from "./testing/ask.ts";
import { connectFrom, type Http2Client } from "./testing/http2-client.ts";
import { inPod } from "./testing/in-pod.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import { readCount } from "./testing/routes.ts";
import { watchMemory } from "./testing/watch-memory.ts";

setDefaultTimeout(60_000);

const PORTS = { http: 8080, h2: 9000 } as const;
const LIMIT_MS = 1_000;
const SHORT_MS = 100;

/** Services of one server, and what is annotated to each. */
const ANNOTATIONS = {
  request: { [TRAFFIC_ANNOTATIONS.timeoutRequest]: `${LIMIT_MS}ms` },
  response: { [TRAFFIC_ANNOTATIONS.timeoutResponse]: `${LIMIT_MS}ms` },
  idle: { [TRAFFIC_ANNOTATIONS.timeoutIdle]: `${LIMIT_MS}ms` },
  attempt: {
    [TRAFFIC_ANNOTATIONS.retryTimeout]: `${LIMIT_MS}ms`,
    [TRAFFIC_ANNOTATIONS.retryLimit]: "1",
    [TRAFFIC_ANNOTATIONS.retryHttp]: "5xx",
  },
  short: { [TRAFFIC_ANNOTATIONS.timeoutRequest]: `${SHORT_MS}ms` },
} as const;
type Name = keyof typeof ANNOTATIONS;

let mesh: Mesh;
let caller: Pod;
let server: Pod;
const services = new Map<string, Service>();
const clients = new Map<string, Http2Client>();
const closing: (() => void)[] = [];
/** Requests that the server has not ended and nobody has given up. */
let open = 0;
/** When each path was asked for. */
const arrivals = new Map<string, number[]>();

beforeAll(async () => {
  mesh = await openMesh("timeouts");
  const { bed } = mesh;
  const ports = [
    { name: "http", port: PORTS.http },
    { name: "h2", port: PORTS.h2, appProtocol: "kubernetes.io/h2c" },
  ];
  // Before any pod: a proxy asks again after 30 s for an address that the control plane has not heard of.
  for (const [name, annotations] of Object.entries(ANNOTATIONS)) {
    services.set(name, await bed.addService({ name, ports, annotations }));
  }
  [caller, server] = await Promise.all([
    bed.addPod({ name: "caller" }),
    bed.addPod({ name: "server", ports: Object.values(PORTS) }),
  ]);
  closing.push(
    serveSlowHttp(),
    serveStreams(server, PORTS.h2, serveSlowStream).close,
  );
  for (const [name, service] of services) {
    await service.setEndpoints([server]);
    const client = await connectFrom(caller, service.clusterIp, PORTS.h2);
    clients.set(name, client);
    closing.push(client.close);
    for (const get of [() => askOf(name, "/"), () => client.get("/")]) {
      await waitFor(async () => (await get()).status === 200 || null, {
        what: () => `${name} in use`,
        timeoutMs: 45_000,
      });
    }
  }
}, MESH_TIMEOUT_MS);

afterAll(async () => {
  for (const close of closing) close();
  await mesh.close();
}, MESH_TIMEOUT_MS);

/** A path `/silent…` is never answered, `/half…` begun and not ended, `/slow-once…` answered at the second attempt. */
function arrive(path: string): "now" | "half" | "never" {
  const times = arrivals.get(path) ?? [];
  arrivals.set(path, [...times, performance.now()]);
  if (path.startsWith("/half")) return "half";
  const isNever = path.startsWith("/silent") ||
    (path.startsWith("/slow-once") && times.length === 0);
  return isNever ? "never" : "now";
}

function serveSlowHttp(): () => void {
  const server_ = inPod(server, () =>
    Bun.serve({
      port: PORTS.http,
      hostname: "0.0.0.0",
      idleTimeout: 0,
      fetch({ url, signal }) {
        const when = arrive(new URL(url).pathname);
        if (when === "now") return new Response("now");
        open++;
        signal.addEventListener("abort", () => open--);
        if (when === "never") return new Promise<Response>(() => {});
        return new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new Uint8Array(5)),
          }),
        );
      },
    }));
  return () => void server_.stop(true);
}

function serveSlowStream(
  stream: ServerHttp2Stream,
  { method, path }: { readonly method: string; readonly path: string },
): void {
  const when = arrive(path);
  const type = method === "POST" ? "application/grpc" : "text/plain";
  const head = { ":status": 200, "content-type": type };
  if (when === "now") return stream.respond(head, { endStream: true });
  open++;
  stream.on("close", () => open--);
  if (when === "never") return;
  stream.respond(head);
  stream.write(EMPTY_MESSAGE);
}

function clientOf(name: string): Http2Client {
  const client = clients.get(name);
  if (client === undefined) throw new Error(`There is no ${name}`);
  return client;
}

function askOf(name: string, path: string) {
  const service = services.get(name);
  if (service === undefined) throw new Error(`There is no ${name}`);
  return ask(caller, service, PORTS.http, { path });
}

/** What a client sees, whatever it speaks. */
interface Seen {
  readonly status: number;
  readonly grpcStatus?: number | null;
  readonly reset?: number | null;
  readonly error: string;
  readonly tookMs: number;
}

/** How each protocol is spoken to a Service. */
const SPEAK: Readonly<
  Record<string, (name: Name, path: string) => Promise<Seen>>
> = {
  "HTTP/1": (name, path) => askOf(name, path),
  "HTTP/2": (name, path) => clientOf(name).get(path),
  // It could go on speaking, but where a limit counts from the end of what it says.
  "gRPC": (name, path) =>
    clientOf(name).call(path, { open: name === "request" || name === "idle" }),
};

/** What is answered before anything was, and after something. */
const ENDS: Readonly<Record<string, { silent: object; half: object }>> = {
  "HTTP/1": { silent: { status: 504 }, half: { status: 200 } },
  "HTTP/2": {
    silent: { status: 504, reset: null },
    half: { status: 200, reset: ErrorCode.cancel },
  },
  "gRPC": {
    silent: { status: 200, grpcStatus: 4, reset: null },
    half: { status: 200, grpcStatus: 4, reset: null },
  },
};

/** Of an odd number; one alone may have waited for its turn on a busy machine. */
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** Does something a few times, beginning a while apart. */
function severalTimes<T>(act: (time: number) => Promise<T>): Promise<T[]> {
  return Promise.all([0, 1, 2].map(async (time) => {
    await Bun.sleep(time * 150);
    return await act(time);
  }));
}

function expectInTime(tookMs: readonly number[]): void {
  expect(Math.min(...tookMs)).toBeGreaterThanOrEqual(LIMIT_MS - 1);
  expect(median(tookMs)).toBeLessThan(LIMIT_MS * 1.1);
}

const untilNothingIsOpen = (): Promise<true> =>
  waitFor(() => open === 0 || null, { what: () => `${open} streams left` });

test.each(["request", "response", "idle"] as const)(
  "the %s timeout ends what is not answered, and what is only begun",
  async (name) => {
    const cases = Object.entries(SPEAK).flatMap(([protocol, speak]) =>
      (["silent", "half"] as const).map((what) => ({ protocol, speak, what }))
    );
    await Promise.all(cases.map(async ({ protocol, speak, what }) => {
      const seen = await severalTimes(() => speak(name, `/${what}`));
      for (const outcome of seen) {
        expect({ protocol, what, ...outcome })
          .toMatchObject({ protocol, what, ...ENDS[protocol]?.[what] });
      }
      expectInTime(seen.map(({ tookMs }) => tookMs));
    }));
    await untilNothingIsOpen();
  },
);

test("the timeout of one attempt lets another follow", async () => {
  await Promise.all(
    Object.entries(SPEAK).map(async ([protocol, speak]) => {
      const times = await severalTimes(async (time) => {
        const path = `/slow-once-${protocol}-${time}`;
        const { status } = await speak("attempt", path);
        expect(status).toBe(200);
        const [first = 0, second = 0, ...more] = arrivals.get(path) ?? [];
        expect(more).toEqual([]);
        return second - first;
      });
      expect(Math.min(...times)).toBeGreaterThan(LIMIT_MS - 1);
      expect(median(times)).toBeLessThan(LIMIT_MS * 1.1 + BACK_OFF_MS);
    }),
  );
  await untilNothingIsOpen();
});
/** The longest wait before the second attempt (facts: control plane 3.7). */
const BACK_OFF_MS = 50;

test("10,000 timeouts leave no stream, no timer and no memory", async () => {
  const client = clientOf("short");
  const round = async (requests: number): Promise<void> => {
    for (let done = 0; done < requests; done += AT_ONCE) {
      const outcomes = await Promise.all(
        Array.from({ length: AT_ONCE }, () => client.get("/silent")),
      );
      const others = outcomes.filter(({ status, error }) =>
        status !== 504 || !error.endsWith(`within ${SHORT_MS} ms`)
      );
      expect(others).toEqual([]);
    }
    await untilNothingIsOpen();
  };
  const family = "outbound_http_route_request_statuses_total";
  const labels = { parent_name: "short", error: "REQUEST_TIMEOUT" };
  // The first request of all may have been too slow, too.
  const before = await readCount(caller, family, labels);
  await round(WARM);
  const watches = [await watchMemory(caller), await watchMemory(server)];
  await round(REQUESTS);
  for (const stop of watches) {
    expect((await stop()).keptMb).toBeLessThan(KEPT_MB);
  }
  expect(await readCount(caller, family, labels) - before)
    .toBe(WARM + REQUESTS);
});
const AT_ONCE = 250;
const WARM = 2_000;
const REQUESTS = 10_000;
/** What requests leave behind is some kilobytes each, if they do; a heap that is collected now and then moves by less. */
const KEPT_MB = 16;
