import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
} from "bun:test";
import {
  startServer,
  type TestServer,
  writeKubeconfig,
} from "../cluster/testing/api-server.ts";
import type { World } from "../command.ts";
import { run } from "../program.ts";

const world: World = {
  env: {},
  colour: false,
  terminal: false,
  print: () => {},
  readInput: () => Promise.resolve(new Uint8Array()),
};

let api: TestServer;
let asked: string[] = [];
let answer: { readonly status: number; readonly body: unknown };

beforeAll(async () => {
  api = await startServer(({ method, url, headers }, response) => {
    asked.push(`${headers.authorization} ${method} ${url}`);
    response.writeHead(answer.status, { "content-type": "application/json" })
      .end(JSON.stringify(answer.body));
  });
});
beforeEach(() => {
  asked = [];
  answer = { status: 200, body: { rows: [] } };
});
afterAll(() => api.close());

async function viz(...args: string[]) {
  const kubeconfig = await writeKubeconfig(api, { token: "mine" });
  const result = await run(
    ["viz", ...args, `--kubeconfig=${kubeconfig}`],
    world,
  );
  if (!("code" in result)) throw new Error("expected an outcome");
  return { code: result.code, stderr: result.stderr ?? "" };
}

test("questions are asked of the API server, as the caller and within a namespace", async () => {
  await viz("stat", "deploy", "-n", "shop");
  await viz("stat", "ns/shop");
  await viz("stat", "deploy", "-A");
  const metrics = "Bearer mine GET /apis/viz.linkerd.io/v1alpha1";
  expect(asked).toEqual([
    `${metrics}/namespaces/shop/metrics/stat?kind=deployment&window=60000`,
    `${metrics}/namespaces/shop/metrics/stat?kind=namespace&name=shop&window=60000`,
    `${metrics}/metrics/stat?kind=deployment&window=60000`,
  ]);
});

describe("a refusal says what to do", () => {
  const status = (code: number, message: string, details = {}) => ({
    status: code,
    body: { kind: "Status", code, message, details },
  });
  test.each([
    [
      "of who may not",
      status(403, 'User "u" cannot get resource "metrics"'),
      /cannot get resource "metrics"\n.*who may view it/,
    ],
    [
      "of an API that is not there",
      status(404, "the server could not find the requested resource"),
      /The metrics component is not installed: .*\n.*linkerd upgrade/,
    ],
    [
      "of an API that does not run",
      status(503, "service unavailable"),
      /The metrics component does not answer: .*\n.*linkerd viz check/,
    ],
    [
      "of the metrics component itself",
      status(502, "Cannot ask Prometheus", {
        causes: [{ reason: "Hint", message: "check prometheusUrl" }],
      }),
      /Cannot ask Prometheus\n.*check prometheusUrl/,
    ],
    [
      "of whoever writes on terminals",
      status(400, "\u001b[2Jgone"),
      /\\u001b\[2Jgone/,
    ],
    ["of another server", { status: 200, body: { rows: 7 } }, /is not one of/],
  ])("%s", async (_, given, words) => {
    answer = given;
    const { code, stderr } = await viz("stat", "deploy", "-n", "shop");
    expect(code).toBe(1);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain("Usage:");
  });
});
