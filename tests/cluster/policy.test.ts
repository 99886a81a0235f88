// Who may call whom, on a node: what a policy says holds for running pods and open connections, and the kubelet's
// probes pass whatever it says. The whole truth table is in proxy and control plane; these are its main rows.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../../demo/bed/wait.ts";
import { kubectl, tryKubectl } from "./kubectl.ts";
import { type ApiServer, OPEN_TIMEOUT_MS, openNode } from "./open.ts";
import {
  INSTALL_TIMEOUT_MS,
  installMesh,
  type Mesh,
} from "./testing/installed.ts";
import { toList } from "./testing/manifests.ts";
import { namespaceOf, SERVE_NAME, workload } from "./testing/workload.ts";

setDefaultTimeout(120_000);

const NAMESPACE = "policy-shop";
const CALLERS = ["friend", "stranger", "outsider"] as const;

let node: ApiServer;
let mesh: Mesh;

beforeAll(async () => {
  node = await openNode();
  mesh = await installMesh(node);
  const named = (name: string, annotations: Record<string, string> = {}) => ({
    name,
    namespace: NAMESPACE,
    annotations,
  });
  const unmeshed = { "linkerd.io/inject": "disabled" };
  const denied = { "config.linkerd.io/default-inbound-policy": "deny" };
  const sleep = { script: "exec sleep 1d" };
  const serve = { script: SERVE_NAME, port: 8080 };
  await apply(
    namespaceOf(NAMESPACE),
    ...workload({ ...named("web"), ...serve }),
    ...workload({ ...named("locked", denied), ...serve }),
    ...workload({ ...named("friend"), ...sleep }),
    ...workload({ ...named("stranger"), ...sleep }),
    ...workload({ ...named("outsider", unmeshed), ...sleep }),
  );
  for (const name of ["web", "locked", ...CALLERS]) {
    await run("rollout", "status", `deployment/${name}`, "--timeout=2m");
  }
}, OPEN_TIMEOUT_MS + INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await kubectl(node, ["delete", "namespace", NAMESPACE, "--timeout=2m"]);
  await mesh.uninstall();
  await node.stop();
}, INSTALL_TIMEOUT_MS);

test("unless told otherwise everybody may, and with a default of deny nobody", async () => {
  await expectAnswers("web", [200, 200, 200]);
  await expectAnswers("locked", [403, 403, 403]);
});

/** Row by row: what is applied besides what stands above, and what friend, stranger and outsider get of `web` then. */
const ROWS: readonly {
  readonly what: string;
  readonly object: unknown;
  readonly answers: readonly [number, number, number];
}[] = [
  {
    what: "a Server that nothing authorizes denies everybody",
    object: policy("Server", {
      podSelector: { matchLabels: { app: "web" } },
      port: 8080,
      proxyProtocol: "HTTP/1",
    }),
    answers: [403, 403, 403],
  },
  {
    what: "a policy whose authentication does not exist yet changes nothing",
    object: policy("AuthorizationPolicy", {
      targetRef: {
        group: "policy.linkerd.io",
        kind: "Server",
        name: "web",
      },
      requiredAuthenticationRefs: [{
        group: "policy.linkerd.io",
        kind: "MeshTLSAuthentication",
        name: "web",
      }],
    }),
    answers: [403, 403, 403],
  },
  {
    what: "an authentication by service account lets in that one alone",
    object: policy("MeshTLSAuthentication", {
      identityRefs: [{ kind: "ServiceAccount", name: "friend" }],
    }),
    answers: [200, 403, 403],
  },
  {
    what: "one of every identity lets in who is meshed",
    object: policy("MeshTLSAuthentication", { identities: ["*"] }),
    answers: [200, 200, 403],
  },
  {
    what: "one of another service account lets in that one instead",
    object: policy("MeshTLSAuthentication", {
      identityRefs: [{ kind: "ServiceAccount", name: "stranger" }],
    }),
    answers: [403, 200, 403],
  },
  {
    what: "an access policy of the Server lets in who no policy names",
    object: policy("Server", {
      podSelector: { matchLabels: { app: "web" } },
      port: 8080,
      proxyProtocol: "HTTP/1",
      accessPolicy: "audit",
    }),
    answers: [200, 200, 200],
  },
];

for (const { what, object, answers } of ROWS) {
  test(what, async () => {
    await apply(object);
    await expectAnswers("web", answers);
  });
}

test("a policy that changes holds for connections that are open", async () => {
  const talk = Bun.spawn(
    [
      ...[node.kubectl, "exec", "-i", "-n", NAMESPACE, "deployment/outsider"],
      ...["--", "nc", "web", "80"],
    ],
    {
      env: { ...process.env, KUBECONFIG: node.kubeconfig },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  try {
    const output = talk.stdout.getReader();
    let heard = "";
    // HEAD: nothing follows the head of an answer.
    const ask = async () => {
      heard = "";
      await talk.stdin.write("HEAD / HTTP/1.1\r\nHost: web\r\n\r\n");
      await talk.stdin.flush();
      while (!heard.includes("\r\n\r\n")) {
        const { value, done } = await output.read();
        if (done) return "the end of the connection";
        heard += new TextDecoder().decode(value);
      }
      return heard.split("\r\n")[0] ?? "";
    };
    expect(await ask()).toBe("HTTP/1.1 200 OK");
    expect(await ask()).toBe("HTTP/1.1 200 OK");
    await run("patch", "server.policy.linkerd.io/web", ...[
      "--type=merge",
      "-p",
      JSON.stringify({ spec: { accessPolicy: "deny" } }),
    ]);
    await waitFor(
      async () => await ask() === "HTTP/1.1 403 Forbidden" ? true : null,
      { what: () => `a denial, heard ${heard}`, timeoutMs: 60_000 },
    );
  } finally {
    talk.kill();
    await talk.exited;
  }
});

test("through all of this every probe has passed", async () => {
  const { items } = JSON.parse(await run("get", "pods", "-o", "json")) as {
    items: readonly {
      status: {
        containerStatuses: readonly { ready: boolean; restartCount: number }[];
      };
    }[];
  };
  const containers = items.flatMap(({ status }) => status.containerStatuses);
  expect(containers.length).toBeGreaterThanOrEqual(5);
  for (const { ready, restartCount } of containers) {
    expect({ ready, restartCount }).toEqual({ ready: true, restartCount: 0 });
  }
  // A kubelet tells of each probe that it was denied.
  const events = await run("get", "events", "--field-selector=type=Warning");
  expect(events).not.toContain("statuscode: 403");
});

/** Waits until each caller gets its answer of a Service. */
async function expectAnswers(
  host: string,
  expected: readonly number[],
): Promise<void> {
  let found: readonly (number | string)[] = [];
  await waitFor(async () => {
    found = await Promise.all(CALLERS.map((caller) => call(caller, host)));
    return Bun.deepEquals(found, expected) ? true : null;
  }, {
    what: () => `${expected.join()} of ${host}, got ${found.join()}`,
    timeoutMs: 60_000,
  });
}

/** The status that a pod of a Deployment gets; words where there is none. */
async function call(caller: string, host: string): Promise<number | string> {
  const { code, stderr } = await tryKubectl(node, [
    ...["exec", "-n", NAMESPACE, `deployment/${caller}`, "-c", "app", "--"],
    ...["timeout", "10", "wget", "-q", "-O", "/dev/null", `http://${host}/`],
  ]);
  if (code === 0) return 200;
  const [, status] = /HTTP\/1\.1 (\d+)/.exec(stderr) ?? [];
  return status === undefined ? stderr : Number(status);
}

/** A resource of policies named as what it protects. */
function policy(kind: string, spec: unknown) {
  const version = kind === "Server" ? "v1beta3" : "v1alpha1";
  return {
    apiVersion: `policy.linkerd.io/${version}`,
    kind,
    metadata: { name: "web", namespace: NAMESPACE },
    spec,
  };
}

function run(...args: readonly string[]): Promise<string> {
  return kubectl(node, [...args, "-n", NAMESPACE]);
}

function apply(...items: readonly unknown[]): Promise<string> {
  return kubectl(node, ["apply", "-f", "-"], toList(items));
}
