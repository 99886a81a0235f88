import { ANNOTATIONS, PORTS, PROXY_UID } from "../../schemas/names.ts";
import { Problem } from "../../schemas/problem.ts";
import { ended, type Exit, type Program, startProgram } from "./program.ts";
import { waitFor } from "./wait.ts";

/** Reaches into a bed over HTTP, as `fetch` does elsewhere. */
export type BedFetch = (url: string, init?: RequestInit) => Promise<Response>;

/** The proxy of a pod: key and certificate request by the launcher first, then the proxy itself, as one program. */
export interface Proxy {
  /** The process that runs now, or ran last. */
  program(): Program;
  /** The text of `/metrics`. */
  metrics(): Promise<string>;
  /** Waits until the proxy has its certificate and serves. */
  ready(): Promise<void>;
  /** Starts it again, in the same identity folder; the pod's redirection rules have stayed. */
  start(): void;
  /** SIGTERM, upon which it drains; waits for the end. */
  stop(): Promise<Exit>;
  /** SIGKILL; waits for the end. */
  kill(): Promise<Exit>;
  /** `stop`, `start` and `ready`. */
  restart(): Promise<void>;
}

export interface ProxySpec {
  readonly namespace: string;
  readonly ip: string;
  readonly env: Readonly<Record<string, string>>;
  /** The pod's, of which some say what is not redirected. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly fetch: BedFetch;
}

const ENTRYPOINT = ["proxy/launch/entrypoint.sh"];

/** Lays the redirection of a pod and starts its proxy; does not wait for it to be ready. */
export async function startProxy(spec: ProxySpec): Promise<Proxy> {
  const { namespace, ip, env } = spec;
  const launch = (): Program =>
    startProgram(namespace, ENTRYPOINT, { uid: PROXY_UID, env });
  await redirect(namespace, spec.annotations);
  let program = launch();
  const admin = `http://${ip}:${PORTS.admin}`;
  const proxy: Proxy = {
    program: () => program,
    metrics: async () => {
      const response = await spec.fetch(`${admin}/metrics`);
      if (response.ok) return await response.text();
      if (response.status === 403) return await readInside(namespace);
      throw new Problem(
        "system.failed",
        `Cannot read metrics of ${namespace}: status ${response.status}, expected 200`,
      );
    },
    ready: () =>
      untilReady(
        program,
        namespace,
        async () => (await spec.fetch(`${admin}/ready`)).ok,
      ),
    start: () => {
      program = launch();
    },
    stop: () => program.stop("SIGTERM"),
    kill: () => program.stop("SIGKILL"),
    restart: async () => {
      await proxy.stop();
      proxy.start();
      await proxy.ready();
    },
  };
  return proxy;
}

/** Metrics as a port-forward gets them, from within the pod: policy keeps the node out. */
async function readInside(namespace: string): Promise<string> {
  const url = `http://127.0.0.1:${PORTS.admin}/metrics`;
  const argv = [
    ...["bun", "-e"],
    `process.stdout.write(await (await fetch("${url}")).text())`,
  ];
  const { code, stdout, stderr } = await startProgram(namespace, argv).exited;
  if (code !== 0) throw ended(argv, code, stderr);
  return stdout;
}

/** Runs `proxy init` with the pod's network and no more, as the init container does. */
async function redirect(
  namespace: string,
  annotations: Readonly<Record<string, string>>,
): Promise<void> {
  const inbound = annotations[ANNOTATIONS.skipInboundPorts];
  const outbound = annotations[ANNOTATIONS.skipOutboundPorts];
  const argv = [
    ...["bun", "proxy/init/main.ts"],
    "--firewall-bin-path=iptables-nft",
    "--firewall-save-bin-path=iptables-nft-save",
    "--ipv6=false",
    `--incoming-proxy-port=${PORTS.inbound}`,
    `--outgoing-proxy-port=${PORTS.outbound}`,
    `--proxy-uid=${PROXY_UID}`,
    `--inbound-ports-to-ignore=${PORTS.tap},${PORTS.admin}` +
    (inbound === undefined ? "" : `,${inbound}`),
    ...(outbound === undefined
      ? []
      : [`--outbound-ports-to-ignore=${outbound}`]),
  ];
  const init = startProgram(namespace, argv, { uid: 0 });
  const { code } = await init.exited;
  if (code !== 0) throw ended(argv, code, init.tail());
}

async function untilReady(
  program: Program,
  namespace: string,
  isReady: () => Promise<boolean>,
): Promise<void> {
  const over = new AbortController();
  void program.exited.then(({ code }) =>
    over.abort(ended(ENTRYPOINT, code, program.tail()))
  );
  await waitFor(async () => await isReady() || null, {
    what: () => `a ready proxy in ${namespace}, which says:\n${program.tail()}`,
    signal: over.signal,
  });
}
