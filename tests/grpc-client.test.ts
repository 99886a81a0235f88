import { create } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
} from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  afterEach,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { createServer, type Http2Server, type Http2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { type Control, createControl } from "../proxy/control.ts";
import type { ControlClient } from "../proxy/control/client.ts";
import { meterService } from "../proxy/control/meters.ts";
import { openControlClient } from "../proxy/control/open.ts";
import type { Observer } from "../proxy/control/questions.ts";
import { createSnapshot } from "../proxy/control/snapshot.ts";
import { certifyWith } from "../proxy/identity.ts";
import { createRegistry } from "../proxy/record.ts";
import { controlFamilies } from "../proxy/record/control.ts";
import { createPki } from "../proxy/testing/pki.ts";
import type { Credentials } from "../proxy/tls.ts";
import type { EndpointSet } from "../schemas/destination.ts";
import type { ServerPolicy } from "../schemas/policy.ts";
import {
  Destination,
  type Update,
  UpdateSchema,
} from "../schemas/proto/gen/destination_pb.ts";
import {
  type CertifyRequest,
  Identity,
} from "../schemas/proto/gen/identity_pb.ts";
import { InboundServerPolicies } from "../schemas/proto/gen/inbound_pb.ts";

/** Everything here ends on an event; this is for machines with far more to do. */
const PATIENCE_MS = 30_000;
setDefaultTimeout(PATIENCE_MS);

const UNLIMITED = {
  initialTimeoutMs: undefined,
  idleTimeoutMs: undefined,
  lifetimeMs: undefined,
};

/** A queue between what a test says and what a stream of the server yields. */
class Stream {
  readonly context: HandlerContext;
  private readonly updates: Update[] = [];
  private wake: () => void = () => {};

  constructor(context: HandlerContext) {
    this.context = context;
  }

  send(...hosts: number[]): void {
    this.updates.push(addUpdate(hosts));
    this.wake();
  }

  async *read(): AsyncGenerator<Update> {
    const { signal } = this.context;
    signal.addEventListener("abort", () => this.wake());
    while (!signal.aborted) {
      const update = this.updates.shift();
      if (update !== undefined) yield update;
      else await new Promise<void>((resolve) => this.wake = resolve);
    }
  }
}

function addUpdate(hosts: readonly number[]): Update {
  const addrs = hosts.map((host) => ({
    addr: {
      ip: { ip: { case: "ipv4" as const, value: 0x0a010000 + host } },
      port: 80,
    },
    metricLabels: { pod: `web-${host}`, zone: "a".repeat(100) },
  }));
  return create(UpdateSchema, { update: { case: "add", value: { addrs } } });
}

/** Something that is awaited until it holds. */
async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (let turn = 0; turn < PATIENCE_MS / 10; turn++) {
    const value = look();
    if (value !== undefined && value !== false) return value;
    await Bun.sleep(10);
  }
  throw new Error("it never happened");
}

/** A control plane built from Connect: the real thing at the other end of our client. */
interface Server {
  readonly port: number;
  readonly streams: Stream[];
  readonly asked: { path: string; context: string }[];
  readonly sessions: Set<Http2Session>;
  certify: (request: CertifyRequest) => Uint8Array;
  stop(): Promise<void>;
}

async function serve(port = 0): Promise<Server> {
  const server: Server = {
    port: 0,
    streams: [],
    asked: [],
    sessions: new Set(),
    certify: () => new Uint8Array(0),
    stop: () => stop(http, server.sessions),
  };
  const routes = (router: ConnectRouter): void => {
    router.service(Destination, {
      get({ path, contextToken }, context) {
        server.asked.push({ path, context: contextToken });
        if (!path.includes(":")) {
          throw new ConnectError(
            `Invalid authority: ${path}`,
            Code.InvalidArgument,
          );
        }
        const stream = new Stream(context);
        server.streams.push(stream);
        return stream.read();
      },
    });
    router.service(InboundServerPolicies, {
      async *watchPort({ workload, port: asked }) {
        yield {
          protocol: { kind: { case: "opaque", value: {} } },
          labels: { group: "", kind: "default", name: `${workload} ${asked}` },
        };
        await new Promise(() => {});
      },
    });
    router.service(Identity, {
      certify: (request) => ({
        leafCertificate: server.certify(request),
        intermediateCertificates: [Uint8Array.of(1, 2)],
        validUntil: { seconds: 2_000_000_000n },
      }),
    });
  };
  const http = createServer(connectNodeAdapter({ routes }));
  http.on("session", (session) => {
    server.sessions.add(session);
    session.on("close", () => server.sessions.delete(session));
    session.on("error", () => {});
  });
  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
  return Object.assign(server, { port: (http.address() as AddressInfo).port });
}

async function stop(
  http: Http2Server,
  sessions: Set<Http2Session>,
): Promise<void> {
  const closed = new Promise((resolve) => http.close(resolve));
  for (const session of sessions) session.destroy();
  await closed;
}

let server: Server;
let clients: ControlClient[] = [];
let logs: string[] = [];

beforeEach(async () => {
  logs = [];
  clients = [];
  server = await serve();
});

afterEach(async () => {
  for (const client of clients) client.close();
  await server.stop();
});

const families = controlFamilies(createRegistry({ retainIdleMs: 0 }));

function open(
  port = server.port,
  serverName: string | null = null,
  anchors = "",
  credentials: () => Credentials | null = () => null,
): ControlClient {
  const client = openControlClient(
    "destination",
    { host: "127.0.0.1", port, serverName, stream: UNLIMITED },
    {
      credentials,
      anchors: () => anchors,
      http2: {},
      connectTimeoutMs: 1_000,
      tcp: {},
      log: (_level, message) => logs.push(message),
      meters: (name, service) => meterService(families, name, service),
      resolved() {},
    },
  );
  clients.push(client);
  return client;
}

function openControl(client = open()): Control {
  return createControl({
    destination: client,
    policy: client,
    workload: "shop:web-1",
    context: "context",
    snapshot: createSnapshot({ path: null, now: Date.now, log() {} }),
    random: Math.random,
    log: (_level, message) => logs.push(message),
  });
}

function observe<T>(): Observer<T> & { seen: T[]; refusals: string[] } {
  const seen: T[] = [];
  const refusals: string[] = [];
  return {
    seen,
    refusals,
    next: (value) => void seen.push(value),
    refused: (reason) => void refusals.push(reason),
  };
}

describe("our client of a Connect server", () => {
  test("streams endpoints and tells the server when it has had enough", async () => {
    const control = openControl();
    const observer = observe<EndpointSet>();
    const watch = control.watchEndpoints("web.shop.svc:80", observer);
    const stream = await until(() => server.streams[0]);
    expect(server.asked).toEqual([{
      path: "web.shop.svc:80",
      context: "context",
    }]);
    stream.send(1, 2);
    await until(() => observer.seen.length === 1);
    stream.send(3);
    await until(() => observer.seen.length === 2);
    expect([...observer.seen[1]?.keys() ?? []]).toEqual([
      "10.1.0.1:80",
      "10.1.0.2:80",
      "10.1.0.3:80",
    ]);
    expect(observer.seen[1]?.get("10.1.0.3:80")?.labels["pod"]).toBe("web-3");
    expect(stream.context.signal.aborted).toBe(false);
    watch.close();
    await until(() => stream.context.signal.aborted);
  });

  test("takes messages larger than every flow-control window", async () => {
    const control = openControl();
    const observer = observe<EndpointSet>();
    control.watchEndpoints("web.shop.svc:80", observer);
    const stream = await until(() => server.streams[0]);
    const hosts = Array.from({ length: 6_000 }, (_, index) => index);
    for (let round = 0; round < 2; round++) stream.send(...hosts);
    await until(() => observer.seen.length === 2);
    expect(observer.seen[1]?.size).toBe(6_000);
  });

  test("hears a refusal with its message", async () => {
    const control = openControl();
    const observer = observe<EndpointSet>();
    control.watchEndpoints("foo", observer);
    await until(() => observer.refusals.length === 1);
    expect(observer.refusals).toEqual([
      "INVALID_ARGUMENT: Invalid authority: foo",
    ]);
  });

  test("carries a hundred watches on one connection", async () => {
    const control = openControl();
    const observers = Array.from(
      { length: 100 },
      () => observe<ServerPolicy>(),
    );
    for (const [index, observer] of observers.entries()) {
      control.watchServerPolicy(index + 1, observer);
    }
    await until(() => observers.every(({ seen }) => seen.length > 0));
    expect(observers[99]?.seen[0]).toEqual({
      protocol: { kind: "opaque" },
      authorizations: [],
      meta: { group: "", kind: "default", name: "shop:web-1 100" },
    });
    expect(server.sessions.size).toBe(1);
  });

  test("is back after the server was killed and started again", async () => {
    const control = openControl();
    const observers = [observe<EndpointSet>(), observe<EndpointSet>()];
    for (const [index, observer] of observers.entries()) {
      control.watchEndpoints(`web-${index}:80`, observer);
    }
    await until(() => server.streams.length === 2);
    for (const stream of server.streams) stream.send(1, 2);
    await until(() => observers.every(({ seen }) => seen.length === 1));

    const { port } = server;
    await server.stop();
    await until(() => logs.some((line) => line.startsWith("Cannot reach")));
    expect(observers.map(({ seen }) => seen.length)).toEqual([1, 1]);

    server = await serve(port);
    await until(() => server.streams.length === 2);
    for (const stream of server.streams) stream.send(2);
    await until(() => observers.every(({ seen }) => seen.length === 2));
    expect([...observers[0]?.seen[1]?.keys() ?? []]).toEqual(["10.1.0.2:80"]);
    expect(observers.flatMap(({ refusals }) => refusals)).toEqual([]);
  });

  test("asks for a certificate with name, token and request", async () => {
    let asked: CertifyRequest | undefined;
    server.certify = (request) => {
      asked = request;
      return Uint8Array.of(9, 9);
    };
    const certify = certifyWith(open());
    const { signal } = new AbortController();
    const token = new TextEncoder().encode("token");
    const csr = new Uint8Array(500).fill(3);
    expect(await certify({ identity: "web.shop.id", token, csr }, signal))
      .toEqual({
        leaf: Uint8Array.of(9, 9),
        intermediates: [Uint8Array.of(1, 2)],
        validUntilMs: 2e12,
      });
    expect(asked).toMatchObject({ identity: "web.shop.id", token });
    expect(asked?.certificateSigningRequest).toEqual(csr);

    server.certify = () => {
      throw new ConnectError("token is for another", Code.FailedPrecondition);
    };
    const refusal = await certify({ identity: "a", token, csr }, signal)
      .catch((error) => error);
    expect(refusal).toMatchObject({ code: 9, message: "token is for another" });
  });
});

describe("our client over TLS", () => {
  const NAME =
    "linkerd-destination.linkerd.serviceaccount.identity.linkerd.test";
  const pki = createPki();

  /** Terminates TLS before the server and says which clients it met. */
  function terminate(
    name: string,
  ): { port: number; met: string[]; stop(): void } {
    const met: string[] = [];
    const { key, chain } = pki.issue(name);
    type Peer = { other: Bun.Socket<Peer> | null; early: Uint8Array[] };
    const forward = {
      data({ data }: Bun.Socket<Peer>, chunk: Uint8Array): void {
        if (data.other === null) data.early.push(chunk.slice());
        else data.other.write(chunk);
      },
      close({ data }: Bun.Socket<Peer>): void {
        data.other?.end();
      },
    };
    const listener = Bun.listen<Peer>({
      hostname: "127.0.0.1",
      port: 0,
      tls: {
        key,
        cert: chain,
        ca: pki.anchors,
        requestCert: true,
        rejectUnauthorized: false,
      },
      socket: {
        ...forward,
        open(socket) {
          socket.data = { other: null, early: [] };
        },
        async handshake(socket) {
          const names = socket.getPeerCertificate()?.subjectaltname;
          met.push(names ?? "nobody");
          const other = await Bun.connect<Peer>({
            hostname: "127.0.0.1",
            port: server.port,
            data: { other: socket, early: [] },
            socket: forward,
          });
          for (const chunk of socket.data.early) other.write(chunk);
          socket.data.other = other;
        },
      },
    });
    return { port: listener.port, met, stop: () => listener.stop() };
  }

  test("shows a certificate only while it has a valid one", async () => {
    const front = terminate(NAME);
    const signal = new AbortController().signal;
    const one = new Uint8Array(1);
    const request = { identity: "web.shop.id", token: one, csr: one };
    const expired = pki.issue("web.shop.id", { days: -1 });
    for (const credentials of [null, pki.issue("web.shop.id"), expired]) {
      const client = open(front.port, NAME, pki.anchors, () => credentials);
      const answer = await certifyWith(client)(request, signal);
      expect(answer.validUntilMs).toBe(2e12);
    }
    expect(front.met).toEqual(["nobody", "DNS:web.shop.id", "nobody"]);
    front.stop();
  });

  test("does not speak to a service with another name", async () => {
    const front = terminate("impostor.test");
    const observer = observe<EndpointSet>();
    const control = openControl(
      open(front.port, NAME, pki.anchors),
    );
    control.watchEndpoints("web.shop.svc:80", observer);
    await until(() => logs.length > 1);
    expect(logs[0]).toContain("Cannot reach destination: Cannot trust");
    expect(server.asked).toEqual([]);
    front.stop();
  });
});
