import { afterAll, beforeAll, expect, test } from "bun:test";
import type http from "node:http";
import { join } from "node:path";
import { ApiError } from "../cluster.ts";
import { Problem } from "../../schemas/problem.ts";
import { getOrUndefined, listAll } from "./list.ts";
import {
  open,
  startServer,
  type TestServer,
  writeBeside,
  writeKubeconfig,
} from "./testing/api-server.ts";

let server: TestServer;
let answers: Record<string, (response: http.ServerResponse) => void> = {};

/** Answers with what it was shown, unless a test has another answer for the path. */
beforeAll(async () => {
  server = await startServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", server.url);
    const own = answers[pathname];
    if (own !== undefined) own(response);
    else {
      json(response, 200, { url: request.url, headers: request.headers });
    }
  });
});
afterAll(() => server.close());

function json(response: http.ServerResponse, status: number, body: unknown) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

interface Shown {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function shown(args: readonly string[], env = {}): Promise<Shown> {
  const cluster = await open(args, env);
  return await cluster.call({ path: "/shown" }) as Shown;
}

async function thrown(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => {
      throw new Error("expected a refusal");
    },
    (error: unknown) => error,
  );
}

/** A refusal as a person reads it. */
async function said(work: Promise<unknown>): Promise<string> {
  const error = await thrown(work);
  if (error instanceof ApiError) return error.message;
  if (!(error instanceof Problem)) throw error;
  return `${error.message} ${error.hint ?? ""}`;
}

test("a client certificate, by files beside the kubeconfig", async () => {
  const strict = await startServer(
    (_, response) => response.end('"known"'),
    { rejectUnauthorized: true },
  );
  await writeBeside(strict, "jane.crt", strict.client.crtPEM);
  await writeBeside(strict, "jane.key", strict.client.keyPEM);
  const path = await writeKubeconfig(strict, {
    "client-certificate": "jane.crt",
    "client-key": "./jane.key",
  });
  const cluster = await open([`--kubeconfig=${path}`]);
  expect([cluster.server, cluster.namespace]).toEqual([strict.url, "shop"]);
  expect(await cluster.call({ path: "/version" })).toBe("known");
  const nobody = await open([
    `--kubeconfig=${await writeKubeconfig(strict, {}, {}, "nobody")}`,
  ]);
  await expect(nobody.call({ path: "/version" })).rejects.toThrow(
    "Cannot reach",
  );
  await strict.close();
});

test("tokens, and a token file over a token", async () => {
  const token = await writeKubeconfig(server, { token: "abc" });
  expect((await shown(["--kubeconfig", token])).headers["authorization"])
    .toBe("Bearer abc");
  await writeBeside(server, "token", "fresh\n");
  const file = await writeKubeconfig(server, {
    token: "abc",
    tokenFile: "token",
  });
  expect((await shown(["--kubeconfig", file])).headers["authorization"])
    .toBe("Bearer fresh");
  const basic = await writeKubeconfig(server, {
    username: "jane",
    password: "pässword",
  });
  expect((await shown(["--kubeconfig", basic])).headers["authorization"])
    .toBe(`Basic ${Buffer.from("jane:pässword").toString("base64")}`);
});

test("acting for others: by flags, else by the kubeconfig; groups need a user", async () => {
  const path = await writeKubeconfig(server, {
    token: "abc",
    as: "robot",
    "as-groups": ["machines"],
    "as-user-extra": { "example.com/why": ["test"] },
  });
  const of = async (...args: string[]) => {
    const { headers } = await shown([`--kubeconfig=${path}`, ...args]);
    return [headers["impersonate-user"], headers["impersonate-group"]];
  };
  expect(await of()).toEqual(["robot", "machines"]);
  expect(await of("--as=joe", "--as-group=a", "--as-group=b"))
    .toEqual(["joe", "a, b"]);
  expect(await of("--as-group=a")).toEqual(["robot", "machines"]);
  const { headers } = await shown([`--kubeconfig=${path}`]);
  expect(headers["impersonate-extra-example.com%2fwhy"]).toBe("test");
});

test("of several kubeconfigs the first to say something is believed", async () => {
  const first = await writeKubeconfig(server, { token: "1" }, {}, "first");
  const second = await writeKubeconfig(server, { token: "2" }, {}, "second");
  const list = [join(server.folder, "none"), first, second].join(":");
  const headers = (await shown([], { KUBECONFIG: list })).headers;
  expect(headers["authorization"]).toBe("Bearer 1");
});

test("without a kubeconfig, or a context, it says where it looked and what there is", async () => {
  expect(await said(open([], { HOME: server.folder }))).toContain(
    `there is no kubeconfig at ${join(server.folder, ".kube", "config")}`,
  );
  const path = await writeKubeconfig(server, { token: "abc" });
  expect(await said(open([`--kubeconfig=${path}`, "--context=other"])))
    .toBe('context "other" does not exist Choose one with --context: main');
  const broken = await writeBeside(server, "broken", "a: [");
  expect(await said(open([`--kubeconfig=${broken}`]))).toContain(broken);
});

test("a server that is not there, is another, or does not know us", async () => {
  const away = await writeKubeconfig(server, {}, {
    server: "https://127.0.0.1:1",
  });
  const ask = async (path: string) =>
    (await open([`--kubeconfig=${path}`])).call({ path: "/version" });
  expect(await said(ask(away))).toMatch(
    /Cannot reach the API server https:\/\/127\.0\.0\.1:1.*Is the cluster running/s,
  );
  const stranger = await writeKubeconfig(server, {}, {
    "certificate-authority-data": btoa(server.client.crtPEM),
  });
  expect(await said(ask(stranger))).toContain("certificate authority");
  const named = await writeKubeconfig(server, {}, {
    "tls-server-name": "other.example",
  });
  expect(await said(ask(named))).toContain("tls-server-name");
  const careless = await writeKubeconfig(server, {}, {
    "certificate-authority-data": btoa(server.client.crtPEM),
    "insecure-skip-tls-verify": true,
  });
  expect(await ask(careless)).toHaveProperty("url", "/version");
  answers = {
    "/version": (response) =>
      json(response, 401, { kind: "Status", message: "Unauthorized" }),
  };
  const path = await writeKubeconfig(server, { token: "old" });
  expect(await said(ask(path))).toContain(
    `does not accept the credentials of "jane" in ${path}: Unauthorized`,
  );
});

test("refusals keep their status, reason and words", async () => {
  answers = {
    "/secret": (response) =>
      json(response, 403, { reason: "Forbidden", message: "you may not" }),
    "/odd": (response) => response.writeHead(502).end("bad gateway"),
  };
  const path = await writeKubeconfig(server, { token: "abc" });
  const cluster = await open([`--kubeconfig=${path}`]);
  expect(await thrown(cluster.call({ path: "/secret" }))).toMatchObject({
    status: 403,
    reason: "Forbidden",
    message: "you may not",
  });
  expect(await thrown(cluster.call({ path: "/odd" }))).toMatchObject({
    status: 502,
    reason: "Bad Gateway",
    message: "bad gateway",
  });
});

test("a busy server is asked again, a silent one until the caller has had enough", async () => {
  let asked = 0;
  answers = {
    "/busy": (response) => {
      if (++asked === 3) json(response, 200, { asked });
      else response.writeHead(429, { "retry-after": "0" }).end();
    },
    "/silent": () => {},
  };
  const path = await writeKubeconfig(server, { token: "abc" });
  const cluster = await open([`--kubeconfig=${path}`]);
  expect(await cluster.call({ path: "/busy" })).toEqual({ asked: 3 });
  const signal = AbortSignal.timeout(50);
  expect(await thrown(cluster.call({ path: "/silent", signal })))
    .toMatchObject({ code: "connect.failed" });
});

test("a connection that the server just closed is no failure", async () => {
  let asked = 0;
  answers = {
    "/closing": (response) => {
      if (++asked === 1) response.socket?.destroy();
      else json(response, 200, { asked });
    },
  };
  const path = await writeKubeconfig(server, { token: "abc" });
  const cluster = await open([`--kubeconfig=${path}`]);
  expect(await cluster.call({ path: "/closing" })).toEqual({ asked: 2 });
});

test("lists come page by page, and one that is not there is undefined", async () => {
  answers = {
    "/gone": (response) => json(response, 404, { reason: "NotFound" }),
  };
  const pages = [["a", "b"], ["c"]];
  let page = 0;
  answers["/api/v1/pods"] = (response) => {
    const names = pages[page++] ?? [];
    json(response, 200, {
      metadata: page < pages.length ? { continue: "more" } : {},
      items: names.map((name) => ({ metadata: { name } })),
    });
  };
  const path = await writeKubeconfig(server, { token: "abc" });
  const cluster = await open([`--kubeconfig=${path}`]);
  const pods = await listAll(cluster, "/api/v1/pods");
  expect(pods.map(({ metadata }) => metadata.name)).toEqual(["a", "b", "c"]);
  expect(await getOrUndefined(cluster, "/gone")).toBeUndefined();
});
