import { chown, mkdir, rename, writeFile } from "node:fs/promises";
import { PORTS } from "../../schemas/names.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import type { Bed } from "./bed.ts";
import { APPLICATION_UID } from "./layout.ts";
import { type Pod, type PodSpec, proxyOf } from "./pod.ts";
import { ended, type Program } from "./program.ts";
import type { Anchor } from "./trust.ts";
import { waitFor } from "./wait.ts";

export interface ControlPlaneOptions {
  /** How long leaves live, as Linkerd writes durations; `24h0m0s` by default. */
  readonly certificateLifetime?: string;
  /** What is added at both ends for clocks that disagree; `20s` by default. */
  readonly clockSkew?: string;
  /** More variables for the proxies of the control plane. */
  readonly proxyEnv?: Readonly<Record<string, string>>;
}

/** Identity, destination and policy in pods of their own, behind our proxies. */
export interface ControlPlane {
  readonly identity: ControlPod;
  readonly destination: ControlPod;
  /** Replaces the issuer by a new one, under the bed's anchor or another; identity reads it without a restart. */
  rotateIssuer(anchor?: Anchor): Promise<void>;
  /** Replaces the trust anchors (PEM); identity tells proxies. */
  publishAnchors(pem: string): Promise<void>;
}

/** A pod of the control plane. */
export interface ControlPod {
  readonly pod: Pod;
  /** The control-plane process that runs now, or ran last. */
  program(): Program;
  /** Kills the process and its proxy at once, as a lost machine would. */
  kill(): Promise<void>;
  /** Starts both again and waits until they are ready. */
  start(): Promise<void>;
}

/** Admin ports of Linkerd's identity and destination controllers. */
const ADMIN = { identity: 9990, destination: 9996 } as const;

/** Starts the control plane from the bed's manifest folder; resolves when both pods are ready. */
export async function startControlPlane(
  bed: Bed,
  options: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const { trust } = bed.layout;
  const issuer = `${trust}/issuer`;
  const anchors = `${trust}/ca-bundle.crt`;
  const keySet = `${trust}/token-keys.json`;
  await mkdir(issuer, { mode: 0o700 });
  await chown(issuer, APPLICATION_UID, APPLICATION_UID);
  await Promise.all([
    writeFile(anchors, bed.anchor.pem),
    writeFile(keySet, bed.tokens.keySet),
    replaceIssuer(bed.anchor, issuer),
  ]);
  const common = [
    ...["--source", "files", "--controller-namespace", "linkerd"],
    ...["--identity-trust-domain", "cluster.local"],
  ];
  const env = options.proxyEnv ?? {};

  const [identity, destination] = await Promise.all([
    createControlPod(bed, {
      pod: {
        name: "linkerd-identity",
        ports: [PORTS.identity, ADMIN.identity],
        local: ["identity"],
        proxyEnv: env,
      },
      services: [
        { name: "linkerd-identity", port: PORTS.identity },
        { name: "linkerd-identity-headless", port: PORTS.identity },
      ],
      argv: [
        ...["bun", "control/main.ts", "identity", ...common],
        ...["--token-keys", keySet],
        ...["--identity-issuer", issuer],
        ...["--identity-trust-anchors", anchors],
        ...["--addr", `:${PORTS.identity}`],
        ...["--admin-addr", `:${ADMIN.identity}`],
        "--identity-issuance-lifetime",
        options.certificateLifetime ?? "24h0m0s",
        "--identity-clock-skew-allowance",
        options.clockSkew ?? "20s",
      ],
      adminPort: ADMIN.identity,
    }),
    createControlPod(bed, {
      pod: {
        name: "linkerd-destination",
        ports: [PORTS.destination, PORTS.policy, ADMIN.destination],
        local: ["destination", "policy"],
        proxyEnv: env,
      },
      services: [
        { name: "linkerd-dst", port: PORTS.destination },
        { name: "linkerd-dst-headless", port: PORTS.destination },
        { name: "linkerd-policy", port: PORTS.policy },
      ],
      argv: [
        ...["bun", "control/main.ts", "destination", ...common],
        ...["--manifests", bed.layout.manifests],
        ...["--addr", `:${PORTS.destination}`],
        ...["--policy-addr", `:${PORTS.policy}`],
        ...["--admin-addr", `:${ADMIN.destination}`],
      ],
      adminPort: ADMIN.destination,
    }),
  ]);
  try {
    await Promise.all([identity.ready(), destination.ready()]);
  } catch (cause) {
    const said = [identity, destination].flatMap(({ pod, program }) => [
      `== ${pod.name}:\n${program().tail()}`,
      `== proxy of ${pod.name}:\n${proxyOf(pod).program().tail()}`,
    ]);
    throw new Problem(
      "system.failed",
      [`Cannot start the control plane: ${describe(cause)}`, ...said].join(
        "\n",
      ),
      { cause },
    );
  }
  return {
    identity,
    destination,
    rotateIssuer: (anchor = bed.anchor) => replaceIssuer(anchor, issuer),
    async publishAnchors(pem) {
      await writeFile(`${anchors}.new`, pem);
      await rename(`${anchors}.new`, anchors);
    },
  };
}

interface ControlPodSpec {
  readonly pod: Omit<PodSpec, "namespace" | "serviceAccount">;
  readonly services: readonly {
    readonly name: string;
    readonly port: number;
  }[];
  readonly argv: readonly string[];
  readonly adminPort: number;
}

async function createControlPod(
  bed: Bed,
  spec: ControlPodSpec,
): Promise<ControlPod & { ready(): Promise<void> }> {
  const pod = await bed.createPod({
    ...spec.pod,
    argv: spec.argv,
    namespace: "linkerd",
    serviceAccount: spec.pod.name,
  });
  const run = (): Program => pod.run(spec.argv);
  let program = pod.program ?? run();
  await Promise.all(spec.services.map(({ name, port }) =>
    bed.addService({
      name,
      namespace: "linkerd",
      ports: [port],
      pods: [pod],
      headless: HEADLESS.test(name),
    })
  ));
  const ready = async (): Promise<void> => {
    const over = new AbortController();
    const current = program;
    void current.exited.then(({ code }) =>
      over.abort(ended(spec.argv, code, current.tail()))
    );
    await proxyOf(pod).ready();
    // By way of the pod's proxy, as a kubelet asks: the answer means that both work.
    const url = `http://${pod.ip}:${spec.adminPort}/ready`;
    await waitFor(async () => (await bed.fetch(url)).ok || null, {
      what: () => `a ready ${pod.name}, which says:\n${current.tail()}`,
      signal: over.signal,
    });
  };
  return {
    pod,
    program: () => program,
    ready,
    async kill() {
      await Promise.all([program.stop("SIGKILL"), proxyOf(pod).kill()]);
    },
    async start() {
      program = run();
      proxyOf(pod).start();
      await ready();
    },
  };
}

const HEADLESS = /-headless$|^linkerd-policy$/;

/** The certificate goes last: who sees it finds its key there. */
async function replaceIssuer(anchor: Anchor, folder: string): Promise<void> {
  const { crtPem, keyPem } = await anchor.createIssuer(Date.now());
  for (const [name, text] of [["key.pem", keyPem], ["crt.pem", crtPem]]) {
    const draft = `${folder}/.${name}`;
    await writeFile(draft, text ?? "", { mode: 0o600 });
    await chown(draft, APPLICATION_UID, APPLICATION_UID);
    await rename(draft, `${folder}/${name}`);
  }
}
