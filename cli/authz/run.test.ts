import { expect, test } from "bun:test";
import { run } from "../program.ts";
import type { Outcome, World } from "../command.ts";

const MANIFESTS = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, ports: [{name: http, containerPort: 8080}]}]
---
apiVersion: v1
kind: List
items:
- apiVersion: policy.linkerd.io/v1beta3
  kind: Server
  metadata: {name: web-http, namespace: shop}
  spec: {podSelector: {matchLabels: {app: web}}, port: http}
- apiVersion: policy.linkerd.io/v1beta1
  kind: Server
  metadata: {name: web-admin, namespace: shop}
  spec: {podSelector: {matchLabels: {app: web}}, port: 9990, accessPolicy: audit}
---
apiVersion: policy.linkerd.io/v1beta3
kind: HTTPRoute
metadata: {name: get-books, namespace: shop}
spec: {parentRefs: [{group: policy.linkerd.io, kind: Server, name: web-http}]}
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: {name: books-for-front, namespace: shop}
spec: {targetRef: {group: policy.linkerd.io, kind: HTTPRoute, name: get-books}, requiredAuthenticationRefs: []}
---
apiVersion: policy.linkerd.io/v1beta1
kind: ServerAuthorization
metadata: {name: all, namespace: shop}
spec: {server: {name: web-http}, client: {unauthenticated: true}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick, namespace: shop}
spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: tick}}, spec: {containers: []}}}}}
---
apiVersion: v1
kind: Pod
metadata:
  {name: db-0, namespace: shop, labels: {app: web}, ownerReferences: [{kind: StatefulSet, name: db}]}
spec: {containers: []}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec: {template: {metadata: {labels: {app: no}}, spec: {containers: []}}}
`;

async function authz(...args: readonly string[]): Promise<Outcome> {
  return await authzOf(MANIFESTS, ...args);
}

async function authzOf(
  manifests: string,
  ...args: readonly string[]
): Promise<Outcome> {
  const world: World = {
    env: {},
    colour: false,
    terminal: false,
    print: () => {},
    readInput: () => Promise.resolve(new TextEncoder().encode(manifests)),
  };
  const result = await run(
    ["authz", "--from-manifests", "-", "-n", "shop", ...args],
    world,
  );
  if ("code" in result) return result;
  throw new Error("an outcome was expected");
}

test("manifests answer for a Deployment that has no pods yet", async () => {
  expect(await authz("deploy/web")).toEqual({
    code: 0,
    // Blanks at the ends of lines are part of Linkerd's tables.
    stdout: [[
      "ROUTE      SERVER    AUTHORIZATION_POLICY  SERVER_AUTHORIZATION  ",
      "*          web-http                        all                   ",
      "get-books  web-http  books-for-front                             ",
      "",
    ].join("\n")],
    stderr:
      'deploy/web has no pods yet: its template was asked, without what injection adds.\nServer web-admin has no authorization: its access policy "audit" decides.\n',
  });
});

test("pods count before templates", async () => {
  const { stdout, stderr } = await authz("sts", "db");
  expect(stderr).toBe(
    'Server web-admin has no authorization: its access policy "audit" decides.\n',
  );
  expect(stdout?.[0]).toBe(
    "ROUTE  SERVER  AUTHORIZATION_POLICY  SERVER_AUTHORIZATION  \n",
  );
});

test("it is said when no Server is about a workload", async () => {
  expect((await authz("cj/tick")).stderr).toContain(
    "No Server is about cj/tick: the default inbound policy decides.\n",
  );
});

test("what is not there is said with what to do", async () => {
  expect(await authz("deploy/none")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'Error: Cannot find Deployment "none" of namespace "shop" in -\n',
    ),
  });
  expect(await authz("ds")).toMatchObject({
    code: 0,
    stderr: "No pods found for ds.\n",
  });
  expect(await authz("svc/web")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("unsupported resource type: svc"),
  });
  expect(await authz()).toMatchObject({ code: 1 });
});

test("a policy that cannot mean anything is refused where it stands", async () => {
  const broken = `${MANIFESTS}---
apiVersion: v1
kind: List
items:
- apiVersion: policy.linkerd.io/v1alpha1
  kind: AuthorizationPolicy
  metadata: {name: broken, namespace: shop}
  spec:
    targetRef: everything
    requiredAuthenticationRefs: []
`;
  const { code, stderr } = await authzOf(broken, "deploy/web");
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^Error: standard input, document 9, line \d+: .*spec\.targetRef/,
  );
  const line = Number(/line (\d+)/.exec(stderr ?? "")?.[1]);
  expect(broken.split("\n")[line - 1]).toBe("    targetRef: everything");
});
