import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
} from "bun:test";
import { writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { request } from "node:https";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { KeyUsageFlags } from "@peculiar/x509";
import {
  createFrontProxyCa,
  type Credential,
  frontProxy,
} from "../../testing/front-proxy.ts";
import { recordLogs } from "../../testing/logs.ts";
import { createCa, type Pair } from "../../testing/pki.ts";
import { createScratch } from "../../testing/scratch.ts";
import { type AggregatedServer, serveAggregated } from "./listen.ts";
import type { User } from "../../visitor.ts";

const JANE = {
  "x-remote-user": "jane",
  "x-remote-group": ["dev, and ops", "system:authenticated"],
  "x-remote-extra-example.com%2fscopes": ["a", "b"],
};
const NOBODY = { cert: "", key: "" };

let authority: Awaited<ReturnType<typeof createFrontProxyCa>>;
let own: Credential;
let serving: Pair;
let folder: Awaited<ReturnType<typeof createScratch>>;
let server: AggregatedServer;
let users: User[] = [];
/** Answers that are still being read. */
let open = 0;

function createServing(): Promise<Pair> {
  return createCa({
    name: "linkerd-metrics",
    ip: "127.0.0.1",
    usages: KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature,
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: Date.now() + 3_600_000,
  });
}

async function write({ certificatePem, keyPem }: Pair): Promise<void> {
  await writeFile(join(folder.path, "tls.crt"), certificatePem);
  await writeFile(join(folder.path, "tls.key"), keyPem);
}

beforeAll(async () => {
  authority = await createFrontProxyCa();
  own = await authority.client("front-proxy-client");
  serving = await createServing();
});
beforeEach(async () => {
  users = [];
  open = 0;
  folder = await createScratch();
  await write(serving);
  server = await start();
});
afterEach(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

function start(
  more: Partial<Parameters<typeof serveAggregated>[0]> = {},
): Promise<AggregatedServer> {
  return serveAggregated({
    address: { host: "127.0.0.1", port: 0 },
    folder: folder.path,
    proxy: frontProxy(authority.pem),
    log: recordLogs().log,
    reloadEveryMs: 50,
    ...more,
    answer: async (asked, user) => {
      users.push(user);
      const { pathname } = new URL(asked.url);
      if (pathname === "/endless") {
        open++;
        return new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
            cancel: () => void open--,
          }),
        );
      }
      if (pathname !== "/live") {
        return new Response(`${asked.method} ${await asked.text()}`);
      }
      open++;
      asked.signal.addEventListener("abort", () => open--);
      return new Response(
        new ReadableStream({
          start: (controller) =>
            controller.enqueue(new TextEncoder().encode("first\n")),
        }),
      );
    },
  });
}

interface Asked {
  readonly client?: Credential;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly method?: string;
  readonly body?: string;
}

/** One request on a connection of its own; rejects when that is refused. */
function ask(
  { client = own, headers = JANE, method = "GET", body }: Asked = {},
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const { cert, key } = client;
    request({
      host: "127.0.0.1",
      port: server.port,
      path: "/apis",
      method,
      agent: false,
      ca: serving.certificatePem,
      ...cert === "" ? {} : { cert, key },
      headers: Object.fromEntries(
        Object.entries(headers).map((
          [name, value],
        ) => [name, typeof value === "string" ? value : [...value]]),
      ),
    }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, text });
    }).on("error", reject).end(body);
  });
}

describe("who the front proxy speaks for", () => {
  const jane = {
    name: "jane",
    uid: "",
    groups: ["dev, and ops", "system:authenticated"],
    extra: { "example.com/scopes": ["a", "b"] },
  };

  test("with HTTP/1.1", async () => {
    expect(await ask({ method: "POST", body: "a body" }))
      .toEqual({ status: 200, text: "POST a body" });
    expect(users).toEqual([jane]);
  });

  test("with HTTP/2, and until it goes", async () => {
    const session = connect(`https://127.0.0.1:${server.port}`, {
      ca: serving.certificatePem,
      ...own,
    });
    const stream = session.request({ ":path": "/live", ...JANE });
    for await (const chunk of stream) {
      expect(String(chunk)).toBe("first\n");
      break;
    }
    expect(users).toEqual([jane]);
    stream.close();
    session.destroy();
    while (open > 0) await Bun.sleep(5);
  });

  test("by any name of its certificate when none is demanded", async () => {
    server.believe({ ...frontProxy(authority.pem), names: [] });
    const any = await authority.client("whoever");
    expect((await ask({ client: any })).status).toBe(200);
  });
});

describe("who is not believed", () => {
  test("without a certificate, or with one of another authority", async () => {
    const other = await createFrontProxyCa();
    const foreign = await other.client("front-proxy-client");
    const itself = {
      cert: serving.certificatePem,
      key: serving.keyPem,
    };
    for (const client of [NOBODY, foreign, itself]) {
      await expect(ask({ client })).rejects.toThrow();
    }
    expect(users).toEqual([]);
  });

  test("with a certificate of another name", async () => {
    const clients = [
      authority.client("jane"),
      authority.client("front-proxy-client.evil"),
      // Kubernetes looks at the common name alone, and at the last one of several.
      authority.client("jane", "front-proxy-client"),
      authority.client("jane", "a, DNS:front-proxy-client, DNS:b"),
      authority.client("front-proxy-client, CN=jane"),
      authority.client("jane, CN=front-proxy-client"),
    ];
    for (const client of await Promise.all(clients)) {
      const { status, text } = await ask({ client });
      expect(status).toBe(401);
      expect(JSON.parse(text)).toMatchObject({
        kind: "Status",
        reason: "Unauthorized",
        message: expect.stringContaining("none of its names"),
      });
    }
    expect(users).toEqual([]);
  });

  test("a front proxy that names nobody", async () => {
    for (const headers of [{}, { "x-remote-user": "" }, { "x-user": "jane" }]) {
      expect((await ask({ headers })).status).toBe(401);
    }
    expect(users).toEqual([]);
  });

  test("a front proxy that is one no more", async () => {
    const other = await createFrontProxyCa();
    server.believe(frontProxy(other.pem));
    await expect(ask()).rejects.toThrow();
    const client = await other.client("front-proxy-client");
    expect((await ask({ client })).status).toBe(200);
  });

  test("a front proxy that is connected already, to another authority", async () => {
    const session = connect(`https://127.0.0.1:${server.port}`, {
      ca: serving.certificatePem,
      ...own,
    });
    const closed = Promise.withResolvers<void>();
    session.on("error", () => {}).on("close", () => closed.resolve());
    const stream = session.request({ ":path": "/live", ...JANE });
    stream.on("error", () => {});
    await new Promise((resolve) => stream.once("data", resolve));
    const other = await createFrontProxyCa();
    server.believe(frontProxy(other.pem));
    await closed.promise;
    while (open > 0) await Bun.sleep(5);
  });

  test("a front proxy that is connected already and has lost its name", async () => {
    const session = connect(`https://127.0.0.1:${server.port}`, {
      ca: serving.certificatePem,
      ...own,
    });
    const statusOf = async () => {
      const stream = session.request({ ":path": "/apis", ...JANE });
      const { promise, resolve } = Promise.withResolvers<unknown>();
      stream.on("response", (headers) => resolve(headers[":status"]));
      stream.resume();
      return await promise;
    };
    expect(await statusOf()).toBe(200);
    server.believe({ ...frontProxy(authority.pem), names: ["another"] });
    expect(await statusOf()).toBe(401);
    session.destroy();
  });
});

test("who connects and says nothing does not stay", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const hasty = await start({ handshakeMs: 200 });
  const silent = connectTcp(hasty.port, "127.0.0.1");
  silent.on("error", () => {});
  silent.on("close", () => resolve());
  await promise;
  await hasty.close();
});

describe("who keeps us waiting is given up", () => {
  const PATIENCE_MS = 100;
  let hasty: AggregatedServer;
  beforeEach(async () => hasty = await start({ patienceMs: PATIENCE_MS }));
  afterEach(() => hasty.close());

  test.each(["h2", "http/1.1"])(
    "with a body that does not end, over %s",
    async (protocol) => {
      const gone = Promise.withResolvers<void>();
      const options = { ca: serving.certificatePem, ...own };
      if (protocol === "h2") {
        const session = connect(`https://127.0.0.1:${hasty.port}`, options);
        session.on("error", () => {});
        const stream = session.request({
          ...{ ":path": "/apis", ":method": "POST", ...JANE },
        });
        stream.on("error", () => {}).on("close", () => gone.resolve());
        stream.write("x");
        await gone.promise;
        session.destroy();
      } else {
        const sent = request({
          ...{ host: "127.0.0.1", port: hasty.port, path: "/", ...options },
          ...{ method: "POST", agent: false, headers: JANE },
        });
        sent.on("error", () => gone.resolve());
        sent.write("x");
        await gone.promise;
      }
      expect(users).toEqual([]);
    },
  );

  test("with an answer that nobody reads", async () => {
    const session = connect(`https://127.0.0.1:${hasty.port}`, {
      ca: serving.certificatePem,
      ...own,
    });
    session.on("error", () => {});
    const stream = session.request({ ":path": "/endless", ...JANE });
    stream.on("error", () => {});
    stream.pause();
    while (users.length === 0 || open > 0) await Bun.sleep(5);
    // And nobody else with it.
    const other = session.request({ ":path": "/apis", ...JANE });
    const { promise, resolve } = Promise.withResolvers<unknown>();
    other.on("response", (headers) => resolve(headers[":status"]));
    other.resume();
    expect(await promise).toBe(200);
    session.destroy();
  });
});

test("a body that nobody asked for is not waited for", async () => {
  const session = connect(`https://127.0.0.1:${server.port}`, {
    ca: serving.certificatePem,
    ...own,
  });
  const stream = session.request(
    { ":path": "/apis", ":method": "GET", ...JANE },
    { endStream: false },
  );
  stream.on("error", () => {});
  stream.write("x");
  const { promise, resolve } = Promise.withResolvers<unknown>();
  stream.on("response", (headers) => resolve(headers[":status"]));
  stream.resume();
  expect(await promise).toBe(200);
  session.destroy();
});

test("more connections than there may be are closed, until others go", async () => {
  const closed = Promise.withResolvers<void>();
  const silent = Array.from({ length: 600 }, () => {
    const socket = connectTcp(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("close", () => closed.resolve());
    return socket;
  });
  await closed.promise;
  for (const socket of silent) socket.destroy();
  for (;;) {
    const answer = await ask().catch(() => null);
    if (answer?.status === 200) break;
    await Bun.sleep(5);
  }
});

test("a request that is too long is refused", async () => {
  expect((await ask({ method: "POST", body: "x".repeat(300_000) })).status)
    .toBe(400);
});

test("a new certificate is served as soon as it is there, a bad one never", async () => {
  await writeFile(join(folder.path, "tls.crt"), "no certificate");
  expect((await ask()).status).toBe(200);
  serving = await createServing();
  await write(serving);
  for (;;) {
    const answer = await ask().catch(() => null);
    if (answer?.status === 200) break;
    await Bun.sleep(20);
  }
});
