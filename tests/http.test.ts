// What applications say in HTTP is what the other side hears, through two proxies: transparency, byte for byte.
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { type Pod, proxyOf } from "../demo/bed/pod.ts";
import { waitFor } from "../demo/bed/wait.ts";
import { inPod } from "./testing/in-pod.ts";
import { type Mesh, MESH_TIMEOUT_MS, openMesh } from "./testing/mesh.ts";
import {
  dialRaw,
  listenRaw,
  type RawServer,
  type RawSocket,
} from "./testing/raw-socket.ts";

setDefaultTimeout(30_000);

/** A port for each test, so that none meets a connection that another left in a pool. */
const PORTS = Array.from({ length: 80 }, (_, at) => 8100 + at);
/** No application listens there. */
const DEAD_PORT = 8090;
const CALLER_ID =
  "caller.default.serviceaccount.identity.linkerd.cluster.local";

let mesh: Mesh;
let caller: Pod;
let server: Pod;
let outsider: Pod;
let clusterIp: string;
/** Of a Service without endpoints. */
let emptyIp: string;
const ports = PORTS.values();
const servers: RawServer[] = [];

beforeAll(async () => {
  mesh = await openMesh("http");
  const { bed } = mesh;
  [caller, server, outsider] = await Promise.all([
    bed.addPod({ name: "caller", serviceAccount: "caller" }),
    bed.addPod({ name: "server", ports: [DEAD_PORT, ...PORTS] }),
    bed.addPod({ name: "outsider", meshed: false }),
  ]);
  const none = await bed.addService({ name: "none", ports: [80] });
  emptyIp = none.clusterIp;
  const service = await bed.addService({
    name: "shop",
    ports: [DEAD_PORT, ...PORTS].map((port) => ({ name: `p${port}`, port })),
    pods: [server],
  });
  clusterIp = service.clusterIp;
  // An address that the control plane has not heard of yet is nobody's Service.
  await waitFor(
    async () => (await exchange(get(), OK)).heard.includes(CALLER_ID) || null,
    { what: () => "the Service in use" },
  );
}, MESH_TIMEOUT_MS);

afterEach(() => {
  for (const running of servers.splice(0)) running.close();
});
afterAll(() => mesh.close(), MESH_TIMEOUT_MS);

const lines = (...text: readonly string[]): string => text.join("\r\n");
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const atEnd = (text: string) => (heard: string) => heard.endsWith(text);
const HEAD_END = atEnd("\r\n\r\n");

/** A server whose connections behave as told, and a connection to it by its Service. */
async function connect(
  behave: (socket: RawSocket) => Promise<void>,
): Promise<{ client: RawSocket; served: RawServer }> {
  const port = ports.next().value ?? 0;
  const served = listenRaw(server, port, (socket) => {
    // A connection that ends before the script does shows in what the client gets.
    behave(socket).catch(() => socket.destroy());
  });
  servers.push(served);
  return { client: await dialRaw(caller, clusterIp, port), served };
}

/** One request with its answer: what the server heard, and what the client got. */
async function exchange(
  request: string,
  response: string,
  until: {
    readonly heard?: (text: string) => boolean;
    readonly got?: (text: string) => boolean;
  } = {},
): Promise<{ heard: string; got: string; client: RawSocket }> {
  const heard = Promise.withResolvers<string>();
  const { client } = await connect(async (socket) => {
    heard.resolve(await socket.until(until.heard ?? HEAD_END));
    socket.write(response);
  });
  client.write(request);
  const got = await client.until(until.got ?? atEnd("ok"));
  return { heard: await heard.promise, got, client };
}

/** Fields of a head by name, repeated ones joined. */
function fieldsOf(head: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of (head.split("\r\n\r\n")[0] ?? "").split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    fields[name] = name in fields ? `${fields[name]} & ${value}` : value;
  }
  return fields;
}

/** The data of a chunked body without trailers. */
function unchunk(body: string): string {
  const [size = "", ...rest] = body.split("\r\n");
  const length = parseInt(size, 16);
  const data = rest.join("\r\n");
  if (length === 0) return "";
  return data.slice(0, length) + unchunk(data.slice(length + 2));
}

const get = (...fields: readonly string[]): string =>
  lines("GET /a?b HTTP/1.1", "host: shop", ...fields, "", "");

describe("requests and responses", () => {
  test("arrive with the fields their senders gave them, and who called", async () => {
    const { heard, got } = await exchange(
      get("x-a: 1", "x-a: 2", "accept: */*", "cookie: a=b; c=d"),
      lines(
        "HTTP/1.1 203 Whatever",
        ...[
          "set-cookie: a=b",
          "set-cookie: c=d",
          "content-length: 2",
          "",
          "ok",
        ],
      ),
    );
    expect(heard).toStartWith("GET /a?b HTTP/1.1\r\n");
    expect(fieldsOf(heard)).toEqual({
      "host": "shop",
      "x-a": "1 & 2",
      "accept": "*/*",
      "cookie": "a=b; c=d",
      "l5d-client-id": CALLER_ID,
    });
    expect(got).toStartWith("HTTP/1.1 203 ");
    expect(fieldsOf(got)).toEqual({
      "set-cookie": "a=b & c=d",
      "content-length": "2",
    });
  });

  test("leave out what concerns one connection only, in both directions", async () => {
    const { heard, got } = await exchange(
      get(
        ...["connection: keep-alive, x-hop", "x-hop: 1", "keep-alive: 5"],
        ...["proxy-connection: keep-alive", "x-stays: 1"],
      ),
      lines(
        ...["HTTP/1.1 200 OK", "connection: x-hop, keep-alive", "x-hop: 1"],
        ...[
          "keep-alive: timeout=5",
          "content-length: 2",
          "x-stays: 1",
          "",
          "ok",
        ],
      ),
    );
    expect(Object.keys(fieldsOf(heard)))
      .toEqual(["host", "x-stays", "l5d-client-id"]);
    expect(fieldsOf(got)).toEqual({ "content-length": "2", "x-stays": "1" });
  });

  test("share a connection, one after the other and pipelined", async () => {
    let count = 0;
    const { client } = await connect(async (socket) => {
      for (let seen = 1;; seen++) {
        await socket.until((text) => text.split("\r\n\r\n").length > seen);
        const body = `answer ${++count}.`;
        socket.write(
          `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
      }
    });
    for (let round = 1; round <= 5; round++) {
      client.write(get());
      await client.until(atEnd(`answer ${round}.`));
    }
    client.write(get().repeat(20));
    const got = await client.until(atEnd("answer 25."));
    const answers = [...got.matchAll(/answer (\d+)\./g)].map(([, n]) => n);
    expect(answers).toEqual(
      Array.from({ length: 25 }, (_, at) => String(at + 1)),
    );
  });

  test("are chunked both ways with trailers", async () => {
    const { heard, got } = await exchange(
      lines(
        ...["POST / HTTP/1.1", "host: shop", "transfer-encoding: chunked"],
        ...["te: trailers", "trailer: x-sum", ""],
        ...["5", "hello", "6", " world", "0", "x-sum: 11", "", ""],
      ),
      lines(
        ...["HTTP/1.1 200 OK", "transfer-encoding: chunked", "trailer: x-sum"],
        ...["", "2", "ok", "0", "x-sum: 2", "", ""],
      ),
      {
        heard: (text) => /\r\n0\r\n[^]*\r\n\r\n$/.test(text),
        got: (text) => /\r\n0\r\n[^]*\r\n\r\n$/.test(text),
      },
    );
    expect(fieldsOf(heard)).toMatchObject({
      "transfer-encoding": "chunked",
      "trailer": "x-sum",
      "te": "trailers",
    });
    expect(unchunk(heard.slice(heard.indexOf("\r\n\r\n") + 4)))
      .toBe("hello world");
    expect(heard).toEndWith("\r\n0\r\nx-sum: 11\r\n\r\n");
    expect(fieldsOf(got)).toEqual({
      "transfer-encoding": "chunked",
      "trailer": "x-sum",
    });
    expect(got).toEndWith("\r\n\r\n2\r\nok\r\n0\r\nx-sum: 2\r\n\r\n");
  });

  test("keep a content-length, of zero too, and are given no body they lack", async () => {
    const post = (length: number, body: string) =>
      lines(
        "POST / HTTP/1.1",
        ...["host: shop", `content-length: ${length}`, "", body],
      );
    const five = await exchange(post(5, "hello"), OK, {
      heard: atEnd("hello"),
    });
    expect(fieldsOf(five.heard)).toMatchObject({ "content-length": "5" });
    const empty = await exchange(
      post(0, ""),
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-b: ok\r\n\r\n",
      { got: HEAD_END },
    );
    expect(fieldsOf(empty.heard)).toMatchObject({ "content-length": "0" });
    expect(fieldsOf(empty.got)).toEqual({ "content-length": "0", "x-b": "ok" });
    for (const method of ["GET", "DELETE", "OPTIONS"]) {
      const { heard } = await exchange(get().replace("GET", method), OK);
      const { "transfer-encoding": te, "content-length": length } = fieldsOf(
        heard,
      );
      expect([te, length]).toEqual([undefined, undefined]);
    }
  });

  test("of a megabyte arrive whole, both ways", async () => {
    const body = "0123456789abcdef".repeat(65_536);
    const { heard, got } = await exchange(
      `POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      {
        heard: (text) => text.length > body.length && text.endsWith(body),
        got: (text) => text.length > body.length && text.endsWith(body),
      },
    );
    expect(heard.length - body.length).toBeLessThan(300);
    expect(got.length - body.length).toBeLessThan(100);
  });

  test("have no body after HEAD, 204 and 304, and the connection goes on", async () => {
    const answers = [
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
      "HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n",
      "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
      OK,
    ];
    const { client } = await connect(async (socket) => {
      for (const [at, answer] of answers.entries()) {
        await socket.until((text) => text.split("\r\n\r\n").length > at + 1);
        socket.write(answer);
      }
    });
    let seen = 0;
    const heads: string[] = [];
    for (const method of ["HEAD", "GET", "GET", "GET"]) {
      client.write(get().replace("GET", method));
      const got = await client.until((text) =>
        text.slice(seen).includes("\r\n\r\n")
      );
      heads.push(got.slice(seen));
      seen = got.length;
    }
    const got = await client.until(atEnd("\r\n\r\nok"));
    expect(fieldsOf(heads[0] ?? "")).toEqual({ "content-length": "5" });
    expect(fieldsOf(heads[1] ?? "")).toEqual({ "x-a": "1" });
    expect(got.split("\r\n\r\n")).toHaveLength(5);
  });

  test("may begin with informational responses", async () => {
    const { got } = await exchange(
      get(),
      `HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </b.css>\r\n\r\n${OK}`,
    );
    expect([...got.matchAll(/HTTP\/1\.1 \d+|<.*>/g)].join(" "))
      .toBe("HTTP/1.1 103 </a.css> HTTP/1.1 103 </b.css> HTTP/1.1 200");
  });

  const EXPECTING = lines(
    ...["POST / HTTP/1.1", "host: shop", "content-length: 5"],
    ...["expect: 100-continue", "", ""],
  );

  test("wait for 100 (Continue) of the application itself", async () => {
    const { client, served } = await connect(async (socket) => {
      await socket.until(HEAD_END);
      socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      await socket.until(atEnd("hello"));
      socket.write(OK);
    });
    client.write(EXPECTING);
    await client.until((text) => text === "HTTP/1.1 100 Continue\r\n\r\n");
    expect(fieldsOf(served.sockets[0]?.text() ?? "")["expect"])
      .toBe("100-continue");
    client.write("hello");
    await client.until(atEnd(OK));
  });

  test("may be refused instead of continued", async () => {
    const { got } = await exchange(
      EXPECTING,
      "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n\r\nno",
      { got: atEnd("no") },
    );
    expect(got).toStartWith("HTTP/1.1 417 ");
  });

  test("in absolute form keep it, and a Host that says something else", async () => {
    const { heard } = await exchange(
      get("x-a: 1").replace("/a?b", "http://elsewhere.example:81/a?b"),
      OK,
    );
    expect(heard)
      .toStartWith("GET http://elsewhere.example:81/a?b HTTP/1.1\r\n");
    expect(fieldsOf(heard)["host"]).toBe("shop");
  });

  test.each(["host: shop\r\n", ""])(
    "of HTTP/1.0 stay so, with %j",
    async (host) => {
      const { heard, client } = await exchange(
        `GET /old HTTP/1.0\r\n${host}\r\n`,
        OK,
      );
      expect(heard).toStartWith("GET /old HTTP/1.0\r\n");
      const got = `${await client.ended}`;
      expect(got).toStartWith("HTTP/1.");
      expect(got).toEndWith("\r\n\r\nok");
    },
  );

  test("of HTTP/1.0 are kept alive when both sides wish it", async () => {
    const { client } = await connect(async (socket) => {
      await socket.until(HEAD_END);
      socket.write(OK);
    });
    client.write(
      "GET / HTTP/1.0\r\nhost: shop\r\nconnection: keep-alive\r\n\r\n",
    );
    const got = await client.until(atEnd("ok"));
    expect(fieldsOf(got)["connection"]).toBe("keep-alive");
  });

  test.each(["1.1", "1.0"])(
    "that the end of their connection ends arrive whole, for HTTP/%s",
    async (version) => {
      const { client } = await connect(async (socket) => {
        await socket.until(HEAD_END);
        socket.write("HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\nhello");
        socket.write(" world");
        socket.finish();
      });
      client.write(
        `GET / HTTP/${version}\r\nhost: shop\r\nconnection: close\r\n\r\n`,
      );
      const got = `${await client.ended}`;
      const body = got.slice(got.indexOf("\r\n\r\n") + 4);
      const chunked = fieldsOf(got)["transfer-encoding"] === "chunked";
      if (version === "1.0") expect(chunked).toBeFalse();
      expect(chunked ? unchunk(body) : body).toBe("hello world");
    },
  );

  test.each([
    ["content-length: 100\r\n\r\n", "part"],
    ["transfer-encoding: chunked\r\n\r\n4\r\n", "part\r\n"],
  ])("cut short after %j never look whole", async (head, part) => {
    const { client } = await connect(async (socket) => {
      await socket.until(HEAD_END);
      socket.write(`HTTP/1.1 200 OK\r\n${head}${part}`);
      socket.finish();
      await socket.closed;
    });
    client.write(get());
    expect(`HTTP/1.1 200 OK\r\n${head}${part}`)
      .toStartWith(`${await client.ended}`);
  });
});

describe("the name of the caller", () => {
  const FORGED = "l5d-client-id: admin.default.serviceaccount.identity";

  test("is never what the client says it is", async () => {
    const { heard } = await exchange(get(FORGED, "x-a: 1", FORGED), OK);
    expect(fieldsOf(heard)["l5d-client-id"]).toBe(CALLER_ID);
  });

  test("is not either when the client was silent at first", async () => {
    const heard = Promise.withResolvers<string>();
    const { client } = await connect(async (socket) => {
      heard.resolve(await socket.until(HEAD_END));
      socket.write(OK);
    });
    // Longer than a proxy waits before it dials the server to hear whether that speaks first.
    await Bun.sleep(150);
    client.write(get(FORGED));
    await client.until(atEnd("ok"));
    expect(fieldsOf(await heard.promise)["l5d-client-id"]).toBe(CALLER_ID);
  });

  test("is left out for clients outside the mesh", async () => {
    for (const silenceMs of [0, 150]) {
      const heard = Promise.withResolvers<string>();
      const port = ports.next().value ?? 0;
      servers.push(listenRaw(server, port, (socket) => {
        void socket.until(HEAD_END).then((text) => {
          heard.resolve(text);
          socket.write(OK);
        });
      }));
      const client = await dialRaw(outsider, server.ip, port);
      await Bun.sleep(silenceMs);
      client.write(get(FORGED));
      await client.until(atEnd("ok"));
      expect(await heard.promise).not.toContain("l5d-");
    }
  });
});

describe("protocols that HTTP changes to", () => {
  test("pass as bytes both ways after 101, those sent early too", async () => {
    const { client, served } = await connect(async (socket) => {
      await socket.until((text) => text.includes("\r\n\r\n"));
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\nwelcome",
      );
      await socket.until(atEnd("hello"));
      socket.write("\0\u0001good day");
      await socket.ended;
      socket.write("bye");
      socket.finish();
    });
    client.write(get("connection: upgrade", "upgrade: chat"));
    const got = await client.until(atEnd("welcome"));
    expect(fieldsOf(got)).toEqual({
      "connection": "upgrade",
      "upgrade": "chat",
    });
    client.write("hello");
    await client.until(atEnd("\0\u0001good day"));
    client.finish();
    expect(`${await client.ended}`).toEndWith("good daybye");
    const [socket] = served.sockets;
    expect(fieldsOf(socket?.text() ?? "")).toMatchObject({
      "connection": "upgrade",
      "upgrade": "chat",
    });
  });

  test("pass as bytes through a CONNECT tunnel", async () => {
    const { client, served } = await connect(async (socket) => {
      await socket.until(HEAD_END);
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
      await socket.until(atEnd("hello"));
      socket.write("good day");
    });
    client.write(
      "CONNECT db.example:5432 HTTP/1.1\r\nhost: db.example:5432\r\n\r\n",
    );
    const got = await client.until(HEAD_END);
    expect(got).toStartWith("HTTP/1.1 200 ");
    expect(fieldsOf(got)["content-length"]).toBeUndefined();
    client.write("hello");
    await client.until(atEnd("good day"));
    expect(served.sockets[0]?.text())
      .toStartWith("CONNECT db.example:5432 HTTP/1.1\r\n");
  });

  test("may be refused by the application", async () => {
    const { got } = await exchange(
      get("connection: upgrade", "upgrade: chat"),
      OK,
    );
    expect(got).toStartWith("HTTP/1.1 200 OK\r\n");
  });

  test("are never h2c: the request goes on as HTTP/1.1", async () => {
    const { heard, got } = await exchange(
      get(
        ...["connection: upgrade, http2-settings", "upgrade: h2c"],
        ...["http2-settings: AAMAAABkAAQAoAAAAAIAAAAA", "x-a: 1"],
      ),
      OK,
    );
    expect(Object.keys(fieldsOf(heard)))
      .toEqual(["host", "x-a", "l5d-client-id"]);
    expect(got).toStartWith("HTTP/1.1 200 OK\r\n");
  });

  test("carry WebSocket messages of all sizes", async () => {
    const port = ports.next().value ?? 0;
    const web = inPod(server, () =>
      Bun.serve({
        port,
        hostname: "0.0.0.0",
        fetch: (request, self) =>
          self.upgrade(request)
            ? undefined
            : new Response("expected a WebSocket", { status: 400 }),
        websocket: {
          maxPayloadLength: 4 << 20,
          message: (socket, message) => void socket.send(message),
        },
      }));
    const { code, stdout, stderr } = await caller.exec([
      ...["bun", "tests/testing/websocket-client.ts", `ws://shop:${port}/chat`],
      ...["1", "125", "126", "70000", "3000000"],
    ]);
    await web.stop(true);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: "1 125 126 70000 3000000 closed 4001 enough\n",
      stderr: "",
    });
  });

  test.each([
    ["CONNECT in origin-form", "CONNECT / HTTP/1.1\r\nhost: a\r\n\r\n"],
    ["CONNECT of HTTP/1.0", "CONNECT a:1 HTTP/1.0\r\nhost: a\r\n\r\n"],
    ["authority-form of GET", "GET a:1 HTTP/1.1\r\nhost: a\r\n\r\n"],
  ])("%s is refused", async (_name, request) => {
    const { client, served } = await connect(() => new Promise(() => {}));
    client.write(request);
    expect(`${await client.ended}`).toStartWith("HTTP/1.1 400 ");
    expect(served.sockets.map((socket) => socket.text()).join("")).toBe("");
  });
});

describe("what cannot be had", () => {
  /** What the client gets for a request. */
  async function fail(
    ip: string,
    port: number,
    silenceMs = 0,
  ): Promise<{ status: string; error: string }> {
    const client = await dialRaw(caller, ip, port);
    await Bun.sleep(silenceMs);
    client.write(get());
    const got = await client.until(HEAD_END);
    client.destroy();
    return {
      status: got.slice(0, 12),
      error: fieldsOf(got)["l5d-proxy-error"] ?? "",
    };
  }

  test.each([0, 150])(
    "an application that does not listen is 502, to a client silent for %d ms",
    async (silenceMs) => {
      for (const ip of [clusterIp, server.ip]) {
        const { status } = await fail(ip, DEAD_PORT, silenceMs);
        expect(status).toBe("HTTP/1.1 502");
      }
    },
  );

  test("a service without endpoints is 504 after a while, then 503 at once", async () => {
    const startedMs = performance.now();
    const first = await fail(emptyIp, 80);
    expect(first.status).toBe("HTTP/1.1 504");
    expect(performance.now() - startedMs).toBeWithin(2_500, 6_000);
    const againMs = performance.now();
    const second = await fail(emptyIp, 80);
    expect(second.status).toBe("HTTP/1.1 503");
    expect(performance.now() - againMs).toBeLessThan(1_000);
    for (const { error } of [first, second]) {
      expect(error).toContain("none.default.svc.cluster.local:80");
      expect(error).toContain("0 endpoints known, 0 ready");
    }
  });

  test("a port that a Service does not have is refused", async () => {
    for (const words of [get(), "\0\u0001no protocol"]) {
      // A proxy that closes before the client has looked at its connection is a reset to it.
      const got = await dialRaw(caller, clusterIp, 9_999).then((client) => {
        client.write(words);
        return client.ended;
      }, ({ code }) => code);
      expect(["", "ECONNRESET"]).toContain(`${got}`);
    }
    await proxyOf(caller).program().line(
      `target=${clusterIp}:9999 error="default undefined-port forbids this connection"`,
    );
  });
});
