import { afterAll, beforeAll, expect, test } from "bun:test";
import { describe } from "../../schemas/problem.ts";
import { readIdToken } from "./oidc.ts";
import {
  open,
  startServer,
  type TestServer,
  writeBeside,
  writeKubeconfig,
} from "./testing/api-server.ts";

let server: TestServer;
/** The token that the server takes for good. */
let valid = "";
beforeAll(async () => {
  server = await startServer((request, response) => {
    const good = request.headers.authorization === `Bearer ${valid}`;
    response.writeHead(good ? 200 : 401).end(JSON.stringify({ good }));
  });
});
afterAll(() => server.close());

async function plugin(script: string, fields = {}): Promise<string> {
  await writeBeside(server, "login", `#!/bin/sh\n${script}\n`, 0o700);
  return await writeKubeconfig(server, {
    exec: {
      apiVersion: "client.authentication.k8s.io/v1",
      command: "./login",
      interactiveMode: "Never",
      ...fields,
    },
  });
}

async function ask(path: string): Promise<unknown> {
  const cluster = await open([`--kubeconfig=${path}`], {
    PATH: "/usr/bin:/bin",
  });
  return await cluster.call({ path: "/" });
}

async function said(work: Promise<unknown>): Promise<string> {
  return await work.then(() => "nothing", describe);
}

test("a plugin is told what it may know, and its token is shown", async () => {
  valid = "from-plugin";
  const path = await plugin(
    `case "$KUBERNETES_EXEC_INFO" in *'"server":"${server.url}"'*) ;; *) exit 3;; esac
[ "$1$WHO" = "getjane" ] || exit 4
echo '{"kind":"ExecCredential","status":{"token":"from-plugin"}}'`,
    {
      args: ["get"],
      env: [{ name: "WHO", value: "jane" }],
      provideClusterInfo: true,
    },
  );
  expect(await ask(path)).toEqual({ good: true });
});

test("a token that is no longer taken is asked for once more", async () => {
  valid = "second";
  const seen = `${server.folder}/seen`;
  const path = await plugin(
    `[ -e ${seen} ] && token=second || token=first; touch ${seen}
echo "{\\"status\\":{\\"token\\":\\"$token\\"}}"`,
  );
  expect(await ask(path)).toEqual({ good: true });
});

test("a plugin that fails, or does not answer, or is not there, is named", async () => {
  expect(await said(ask(await plugin("exit 7")))).toContain("exit 7");
  expect(await said(ask(await plugin("echo hello")))).toContain("JSON");
  expect(await said(ask(await plugin("echo '{\"status\":{}}'")))).toContain(
    "neither a token nor a certificate",
  );
  const missing = await plugin("", { command: "no-such-plugin" });
  expect(await said(ask(missing))).toContain('"no-such-plugin"');
  const old = await plugin("", {
    apiVersion: "client.authentication.k8s.io/v1alpha1",
  });
  expect(await said(ask(old))).toContain("expected client.authentication");
});

test("an OpenID Connect token is used until it expires", () => {
  const now = Date.UTC(2026, 0, 1);
  const token = (exp: number) =>
    `e30.${btoa(JSON.stringify({ exp })).replace(/=+$/, "")}.sig`;
  const read = (text: string) =>
    readIdToken({ name: "oidc", config: { "id-token": text } }, "file", now);
  const good = token(now / 1000 + 60);
  expect(read(good)).toBe(good);
  expect(() => read(token(now / 1000 - 1))).toThrow("has expired");
  expect(() => readIdToken({ name: "gcp" }, "file", now)).toThrow("1.26");
});
