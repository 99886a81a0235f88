import { join } from "node:path";
import type { LoadResult } from "../../../demo/workloads/load.ts";
import { system } from "../../../demo/bed/system.ts";
import { imageOf } from "../given.ts";
import { type Access, kubectl, tryKubectl } from "../kubectl.ts";

const LOAD = join(import.meta.dir, "../../../demo/workloads/load.ts");
/** Has Bun, and is on the node already. */
const IMAGE = imageOf("controller");
/**
 * Answers with the pod's name, and with 500 once it has been asked for `/fail`; told to end, it stops listening at once, as most
 * applications do, or after `GRACE_MS`.
 */
const SERVE = `
const { HOSTNAME: name, GRACE_MS = 0 } = process.env;
let status = 200;
const server = Bun.serve({
  port: 8080,
  hostname: "0.0.0.0",
  fetch({ url }) {
    const { pathname } = new URL(url);
    if (pathname === "/fail") status = 500;
    return new Response(name, { status: pathname === "/ready" ? 200 : status });
  },
});
process.on("SIGTERM", () => void Bun.sleep(Number(GRACE_MS)).then(() => server.stop()).then(() => process.exit(0)));
`;
/** Asks once, and tells how it was answered. */
const ASK = `
const { status, headers } = await fetch(process.argv[2]);
process.stdout.write(status + " " + (headers.get("l5d-proxy-error") ?? ""));
`;

/** Requests that are being sent. */
export interface Load {
  /** Ends it with the answers it still awaits. */
  stop(): Promise<LoadResult>;
}

/** A Deployment and Service `web`, port 80, and a pod `load` that sends requests, in a namespace whose pods get a proxy. */
export async function createTraffic(
  namespace: string,
  replicas: number,
): Promise<readonly unknown[]> {
  const metadata = (name: string) => ({ name, namespace });
  const load = await system([
    ...[process.execPath, "build", LOAD, "--target=bun", "--minify"],
  ]);
  const script = { name: "script", mountPath: "/script" };
  const container = (name: string, command: readonly string[]) => ({
    name,
    image: IMAGE,
    command,
    volumeMounts: [script],
  });
  const volumes = [{ name: "script", configMap: { name: "script" } }];
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: namespace,
        annotations: { "linkerd.io/inject": "enabled" },
      },
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: metadata("script"),
      data: { "load.js": load, "serve.js": SERVE, "ask.js": ASK },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: metadata("web"),
      spec: {
        replicas,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: {
            volumes,
            containers: [{
              ...container("app", ["bun", "/script/serve.js"]),
              ports: [{ containerPort: 8080 }],
              readinessProbe: {
                httpGet: { path: "/ready", port: 8080 },
                periodSeconds: 1,
                // A busy machine is no reason to take a pod out.
                timeoutSeconds: 10,
                failureThreshold: 10,
              },
            }],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: metadata("web"),
      spec: {
        selector: { app: "web" },
        ports: [{ port: 80, targetPort: 8080 }],
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata("load"), labels: { app: "load" } },
      spec: {
        terminationGracePeriodSeconds: 1,
        volumes,
        containers: [container("app", ["sleep", "1d"])],
      },
    },
  ];
}

/** Asks once from the pod `load`: the status, and why a proxy answered; null when nobody did. */
export async function ask(
  access: Access,
  namespace: string,
  url: string,
): Promise<string | null> {
  const { code, stdout } = await tryKubectl(access, [
    ...["exec", "-n", namespace, "load", "-c", "app", "--"],
    ...["bun", "/script/ask.js", url],
  ]);
  return code === 0 ? stdout : null;
}

/** Requests a second, each with a body if it is a POST; one load of each method at a time. */
export interface LoadKind {
  readonly rate: number;
  readonly method?: "GET" | "POST";
}

/** Sends requests from the pod `load`, and returns when the first was answered. */
export async function startLoad(
  access: Access,
  namespace: string,
  { rate, method = "GET" }: LoadKind,
): Promise<Load> {
  const pid = `/tmp/${method}.pid`;
  const body = method === "POST" ? " --body order" : "";
  // The load ends by itself when it is told to, and then prints its result.
  const script =
    `bun /script/load.js --url http://web/ --method ${method}${body} --connections 8 --rate ${rate} & echo $! > ${pid}; wait $!`;
  const inPod = ["exec", "-n", namespace, "load", "-c", "app", "--"];
  const child = Bun.spawn(
    [access.kubectl, ...inPod, "sh", "-c", script],
    {
      env: { ...process.env, KUBECONFIG: access.kubeconfig },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const said = child.stdout.text();
  const errors = child.stderr.getReader();
  const decoder = new TextDecoder();
  let told = "";
  while (!told.includes("started")) {
    const { done, value } = await errors.read();
    if (done) throw new Error(`the load did not start: ${told}`);
    told += decoder.decode(value, { stream: true });
  }
  return {
    async stop() {
      const end = `kill -TERM $(cat ${pid})`;
      await kubectl(access, [...inPod, "sh", "-c", end]);
      return JSON.parse(await said) as LoadResult;
    },
  };
}
