import { afterEach, beforeEach, expect, test } from "bun:test";
import type { FrontProxy } from "../front-proxy.ts";
import { recordLogs } from "../testing/logs.ts";
import { followFrontProxy } from "./front-proxy.ts";
import type { ApiServer } from "./in-cluster.ts";

const CA = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
const DATA = {
  "client-ca-file": "of users: none of our business",
  "requestheader-client-ca-file": CA,
  "requestheader-allowed-names": '["front-proxy-client"]',
  "requestheader-username-headers": '["X-Remote-User"]',
  "requestheader-group-headers": '["X-Remote-Group"]',
  "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
};

let data: Readonly<Record<string, string>> | null;
let reads = 0;
let server: Bun.Server<undefined>;
let api: ApiServer;
let following: AbortController;
let logs: ReturnType<typeof recordLogs>;

beforeEach(() => {
  data = DATA;
  reads = 0;
  logs = recordLogs();
  following = new AbortController();
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      reads++;
      expect(new URL(request.url).pathname).toBe(
        "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication",
      );
      return data === null
        ? new Response("", { status: 500 })
        : Response.json({ data });
    },
  });
  api = {
    url: `http://127.0.0.1:${server.port}`,
    token: () => Promise.resolve("mine"),
    ca: () => Promise.resolve(""),
  };
});
afterEach(async () => {
  following.abort();
  await server.stop(true);
});

function follow(
  changed: (proxy: FrontProxy) => void = () => {},
): Promise<FrontProxy> {
  return followFrontProxy(api, {
    log: logs.log,
    signal: following.signal,
    changed,
    everyMs: 10,
    retryMs: 10,
  });
}

test("the API server says whom to believe about users", async () => {
  expect(await follow()).toEqual({
    ca: CA,
    names: ["front-proxy-client"],
    userHeaders: ["x-remote-user"],
    uidHeaders: [],
    groupHeaders: ["x-remote-group"],
    extraPrefixes: ["x-remote-extra-"],
  });
});

test.each([
  ["nothing is there", {}],
  ["there is no authority", { ...DATA, "requestheader-client-ca-file": "" }],
  ["names are no list", { ...DATA, "requestheader-allowed-names": "any" }],
  ["names are no texts", { ...DATA, "requestheader-allowed-names": "[1]" }],
  ["nothing can be read", null],
])("nobody is believed while %s", async (_, found) => {
  data = found;
  let isSettled = false;
  const proxy = follow();
  proxy.then(() => isSettled = true);
  while (reads < 3) await Bun.sleep(5);
  expect(isSettled).toBe(false);
  expect(logs.lines).toHaveLength(1);
  data = DATA;
  expect((await proxy).names).toEqual(["front-proxy-client"]);
});

test("a change is followed, what makes no sense is not", async () => {
  const changes: FrontProxy[] = [];
  await follow((proxy) => changes.push(proxy));
  data = {};
  const before = reads;
  while (reads < before + 3) await Bun.sleep(5);
  data = { ...DATA, "requestheader-allowed-names": '["another"]' };
  while (changes.length === 0) await Bun.sleep(5);
  const after = reads;
  while (reads < after + 3) await Bun.sleep(5);
  expect(changes.map(({ names }) => names)).toEqual([["another"]]);
});

test("it ends when nobody wants to know any more", async () => {
  data = null;
  const proxy = follow();
  while (reads === 0) await Bun.sleep(5);
  following.abort();
  await expect(proxy).rejects.toThrow();
});
