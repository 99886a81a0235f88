import { chown, mkdir, writeFile } from "node:fs/promises";
import { PROXY_UID } from "../../schemas/names.ts";
import { discard, evacuate } from "./claim.ts";
import type { Folder } from "./folder.ts";
import type { Layout } from "./layout.ts";
import { createPodNetwork } from "./network.ts";
import {
  type KubeObject,
  type NamedPort,
  type PodFacts,
  podObject,
} from "./objects.ts";
import {
  type Exit,
  type Program,
  type RunOptions,
  startProgram,
} from "./program.ts";
import { type ControlApi, proxyEnvironment } from "./proxy-environment.ts";
import { type BedFetch, type Proxy, startProxy } from "./proxy.ts";
import type { TokenIssuer } from "./tokens.ts";

/** What a test or the demo asks for; a name must be unique in its bed. */
export interface PodSpec {
  readonly name: string;
  /** `default` by default. */
  readonly namespace?: string;
  /** `default` by default. */
  readonly serviceAccount?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The Deployment it is of; none by default. */
  readonly deployment?: string;
  /** Ports that the application declares. */
  readonly ports?: readonly (number | NamedPort)[];
  /** True by default. */
  readonly meshed?: boolean;
  /** `LINKERD2_PROXY_*` variables added to, or in place of, those an injector writes. */
  readonly proxyEnv?: Readonly<Record<string, string>>;
  /** Control APIs that the pod itself serves. */
  readonly local?: readonly ControlApi[];
  /** A program to start as soon as there is a network, beside the proxy rather than after it. */
  readonly argv?: readonly string[];
}

/** A namespace of the bed with an address, a proxy when meshed, and programs that run in it. */
export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly uid: string;
  readonly ip: string;
  /** Name of the network namespace, for `ip netns exec`. */
  readonly netns: string;
  /** Null when the pod is not meshed. */
  readonly proxy: Proxy | null;
  /** The program that the pod was asked to start with. */
  readonly program: Program | null;
  /** The Pod object in the manifest folder. */
  readonly object: KubeObject;
  /** Starts a program of the application, in the repository's folder with its `bun` in PATH. */
  run(argv: readonly string[], options?: RunOptions): Program;
  /** Runs a program to its end, whatever its exit code. */
  exec(argv: readonly string[], options?: RunOptions): Promise<Exit>;
  /** Kills all that runs in the pod and removes it and its manifest; endpoints are the services' affair. */
  remove(): Promise<void>;
}

/** A meshed pod's proxy; throws for one without, which is a mistake in the caller. */
export function proxyOf(pod: Pod): Proxy {
  if (pod.proxy !== null) return pod.proxy;
  throw new TypeError(`Cannot ask for the proxy of ${pod.name}: not meshed`);
}

/** What a pod takes from its bed. */
export interface PodContext {
  readonly layout: Layout;
  readonly node: string;
  readonly folder: Folder;
  readonly tokens: TokenIssuer;
  readonly anchorsPem: string;
  readonly fetch: BedFetch;
  /** The hosts file for pods of a namespace. */
  hostsFor(namespace: string): Promise<string>;
}

/** Makes the namespace, writes the manifest and starts the proxy; does not wait for the proxy to be ready. */
export async function createPod(
  context: PodContext,
  spec: PodSpec,
  address: { readonly index: number; readonly ip: string },
): Promise<Pod> {
  const { layout, folder } = context;
  const { namespace = "default", meshed = true } = spec;
  const netns = `${layout.id}.${spec.name}`;
  const facts: PodFacts = {
    name: spec.name,
    namespace,
    uid: crypto.randomUUID(),
    serviceAccount: spec.serviceAccount ?? "default",
    ip: address.ip,
    labels: spec.labels ?? { app: spec.name },
    annotations: spec.annotations ?? {},
    ...spec.deployment === undefined ? {} : { deployment: spec.deployment },
    ports: (spec.ports ?? []).map((port) =>
      typeof port === "number" ? { port } : port
    ),
    meshed,
  };
  const object = podObject(facts);
  const hosts = await context.hostsFor(namespace);
  const [, env] = await Promise.all([
    createPodNetwork({
      ...address,
      namespace: netns,
      node: context.node,
      hosts,
    }),
    meshed ? prepareProxy(context, facts, spec) : {},
    folder.write(object),
  ]);
  const run = (argv: readonly string[], options?: RunOptions): Program =>
    startProgram(netns, argv, options);
  const program = spec.argv === undefined ? null : run(spec.argv);
  const proxy = meshed
    ? await startProxy({
      namespace: netns,
      ip: facts.ip,
      env: { ...env, ...spec.proxyEnv },
      annotations: facts.annotations,
      fetch: context.fetch,
    })
    : null;
  return {
    ...facts,
    netns,
    proxy,
    program,
    object,
    run,
    exec: (argv, options) => run(argv, options).exited,
    remove: async () => {
      await folder.remove(object);
      await evacuate(netns);
      await discard(netns);
    },
  };
}

/** The files a kubelet would mount into the proxy, readable by its user only, and its environment. */
async function prepareProxy(
  context: PodContext,
  pod: PodFacts,
  spec: PodSpec,
): Promise<Record<string, string>> {
  const home = `${context.layout.pods}/${pod.name}`;
  const identityDir = `${home}/identity`;
  const tokenFile = `${home}/linkerd-identity-token`;
  const subject = { ...pod, pod: { name: pod.name, uid: pod.uid } };
  await mkdir(identityDir, { recursive: true, mode: 0o700 });
  await writeFile(tokenFile, await context.tokens.sign(subject, Date.now()), {
    mode: 0o600,
  });
  await Promise.all(
    [home, identityDir, tokenFile].map((path) =>
      chown(path, PROXY_UID, PROXY_UID)
    ),
  );
  return proxyEnvironment({
    ...pod,
    ports: pod.ports.map(({ port }) => port),
    identityDir,
    tokenFile,
    trustAnchorsPem: context.anchorsPem,
    local: spec.local ?? [],
  });
}
