import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createScratch } from "../../control/testing/scratch.ts";
import { writeCertificate } from "../../tests/cluster/testing/certificate.ts";
import type { ControlCase, ControlOptions } from "../cases/control.ts";
import { readCpuMs, readMemory } from "../measure.ts";
import {
  latencyOf,
  type Load,
  type Row,
  type Sample,
  summarize,
} from "../result.ts";
import { type MeshCluster, openMeshCluster } from "./cluster.ts";
import { makeOwners, podOf } from "./owners.ts";
import { type ControlProgram, startProgram } from "./program.ts";

const PODS_PER_SECOND = 50;

/** Before anything counts: connections are made, code is compiled. */
const WARM_UP_SECONDS = 2;

/** Of pods that the webhook sees, and of others. */
const SEEN = "bench-seen";
const UNSEEN = "bench-unseen";

/** Pods of a Deployment that are created for show (dry run): by the API server with and without us, and asked of us alone. */
export const injector: ControlCase = {
  name: "injector",
  about: `${PODS_PER_SECOND} pods per second, open loop`,
  run: runInjector,
};

/** One pod's admission, of whatever way it goes. */
type Ask = () => Promise<unknown>;

async function runInjector(options: ControlOptions): Promise<Row[]> {
  const cluster = await openMeshCluster("injector");
  const folder = await createScratch();
  try {
    const ca = await writeConfiguration(cluster, folder.path);
    const program = await startProgram([
      "proxy-injector",
      ...["--addr=127.0.0.1:0", "--admin-addr=127.0.0.1:0"],
      ...["--config", folder.path, "--tls", folder.path],
      ...["--identity-trust-anchors", join(folder.path, "anchors.crt")],
    ], await cluster.account("linkerd-proxy-injector"));
    try {
      return await runSubjects(
        program,
        await subjectsOf(cluster, program, ca),
        options,
      );
    } finally {
      await program.stop();
    }
  } finally {
    await folder[Symbol.asyncDispose]();
    await cluster.close();
  }
}

/** What is mounted into the injector's pod; returns the `caBundle` of its certificate. */
async function writeConfiguration(
  { install }: MeshCluster,
  folder: string,
): Promise<string> {
  const config = install.find(({ metadata }) =>
    metadata.name === "linkerd-config"
  );
  await writeFile(join(folder, "values"), config?.data?.["values"] ?? "");
  await writeFile(join(folder, "anchors.crt"), "the anchors");
  return await writeCertificate(folder);
}

async function subjectsOf(
  cluster: MeshCluster,
  { ports }: ControlProgram,
  caBundle: string,
): Promise<ReadonlyMap<string, Ask>> {
  const [seen, unseen] = await Promise.all([
    makeOwners(cluster, SEEN),
    makeOwners(cluster, UNSEEN),
  ]);
  const url = `https://127.0.0.1:${ports["webhook"]}/`;
  const rendered = cluster.install.find(({ kind }) =>
    kind === "MutatingWebhookConfiguration"
  ) as unknown as { readonly webhooks: readonly [object] };
  await cluster.call(
    "POST",
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    {
      metadata: { name: "bench-injector" },
      webhooks: [{
        ...rendered.webhooks[0],
        failurePolicy: "Fail",
        namespaceSelector: {
          matchLabels: { "kubernetes.io/metadata.name": SEEN },
        },
        clientConfig: { url, caBundle },
      }],
    },
  );
  const create = (namespace: string, pod: unknown): Ask => () =>
    cluster.call(
      "POST",
      `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
      pod,
    );
  const ca = Buffer.from(caBundle, "base64").toString();
  return new Map([
    ["API server, no webhook", create(UNSEEN, podOf(unseen))],
    ["API server, ours", create(SEEN, podOf(seen))],
    ["ours alone", () => review(url, ca, podOf(seen))],
  ]);
}

async function review(url: string, ca: string, pod: object): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    tls: { ca },
    body: JSON.stringify({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid: crypto.randomUUID(),
        namespace: SEEN,
        kind: { group: "", version: "v1", kind: "Pod" },
        operation: "CREATE",
        dryRun: true,
        object: { apiVersion: "v1", kind: "Pod", ...pod },
      },
    }),
  });
  const { response: answer } = await response.json();
  if (answer?.patch === undefined) throw new Error("no patch came back");
}

async function runSubjects(
  { pid }: ControlProgram,
  subjects: ReadonlyMap<string, Ask>,
  { rounds, seconds, log }: ControlOptions,
): Promise<Row[]> {
  const samples = new Map<string, Sample[]>();
  for (const [name, ask] of subjects) {
    samples.set(name, []);
    await ask();
    await askFor(WARM_UP_SECONDS, ask);
  }
  for (let round = 1; round <= rounds; round++) {
    for (const [name, ask] of subjects) {
      const before = await readCpuMs([pid]);
      const load = await askFor(seconds, ask);
      const cpuMs = await readCpuMs([pid]) - before;
      const cost = { cpuMs, ...await readMemory([pid]) };
      const isOurs = name !== "API server, no webhook";
      const sample = { load, cost: isOurs ? cost : null };
      samples.get(name)?.push(sample);
      log(
        `${injector.name} ${round}/${rounds} ${name}: ${
          JSON.stringify(sample)
        }`,
      );
    }
  }
  return [...samples].map(([name, all]) => summarize(injector.name, name, all));
}

/** Asks at a fixed rate, whatever becomes of earlier questions. */
async function askFor(seconds: number, ask: Ask): Promise<Load> {
  const total = seconds * PODS_PER_SECOND;
  const start = performance.now();
  const latenciesMs: number[] = [];
  let failed = 0;
  await Promise.all(
    Array.from({ length: total }, async (_, turn) => {
      await Bun.sleep(turn * 1_000 / PODS_PER_SECOND);
      const asked = performance.now();
      await ask().then(
        () => void latenciesMs.push(performance.now() - asked),
        () => void failed++,
      );
    }),
  );
  return {
    seconds: (performance.now() - start) / 1_000,
    requests: latenciesMs.length,
    failed,
    latency: latencyOf(Float64Array.from(latenciesMs)),
    bytes: null,
  };
}
