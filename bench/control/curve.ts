import type { ControlOptions } from "../cases/control.ts";
import { readCpuMs, readMemory } from "../measure.ts";
import {
  latencyOf,
  type Load,
  type Row,
  type Sample,
  summarize,
} from "../result.ts";
import type { MeshCluster } from "./cluster.ts";
import { setProtocol, setReady } from "./population.ts";
import { startProgram } from "./program.ts";
import { openStreams, type Streams, type Subject } from "./streams.ts";

export const CASE = "control-scale";

/** As of several rollouts at once. */
export const CHANGES_PER_SECOND = 20;

/** Streams of proxies. */
const STREAMS = [0, 200, 1_000, 2_000];

const FLAGS = ["addr", "policy-addr", "admin-addr"]
  .map((flag) => `--${flag}=127.0.0.1:0`);

/** Figures of a cluster of so many Services, by streams: each point has a program of its own each round. */
export async function runCurve(
  cluster: MeshCluster,
  services: number,
  { rounds, seconds, log }: ControlOptions,
): Promise<Row[]> {
  const point = { cluster, services, seconds, toggle: createToggle(cluster) };
  const samples = new Map(STREAMS.map((count) => [count, [] as Sample[]]));
  for (let round = 1; round <= rounds; round++) {
    for (const [count, found] of samples) {
      const sample = await runPoint(point, count);
      found.push(sample);
      log(
        `${CASE} ${round}/${rounds} ${nameOf(services, count)}: ${
          JSON.stringify(sample)
        }`,
      );
    }
  }
  return [...samples].map(([count, found]) =>
    summarize(CASE, nameOf(services, count), found)
  );
}

function nameOf(services: number, streams: number): string {
  return `${services} Services, ${streams} streams`;
}

interface Point {
  readonly cluster: MeshCluster;
  readonly services: number;
  readonly seconds: number;
  readonly toggle: Toggle;
}

async function runPoint(point: Point, count: number): Promise<Sample> {
  const program = await startProgram(
    ["destination", ...FLAGS],
    await point.cluster.account("linkerd-destination"),
  );
  try {
    const streams = await openStreams(program, count, point.services);
    const before = await readCpuMs([program.pid]);
    const load = await change(point, streams);
    const cpuMs = await readCpuMs([program.pid]) - before;
    const cost = { cpuMs, ...await readMemory([program.pid]) };
    streams.close();
    return { load, cost };
  } finally {
    await program.stop();
  }
}

/** Changes Services in turn at a fixed rate, whatever becomes of earlier changes. */
async function change(
  { services, seconds, toggle }: Point,
  streams: Streams,
): Promise<Load> {
  const total = seconds * CHANGES_PER_SECOND;
  const start = performance.now();
  const latenciesMs: number[] = [];
  let lost = 0;
  await Promise.all(
    Array.from({ length: total }, async (_, turn) => {
      await Bun.sleep(turn * 1_000 / CHANGES_PER_SECOND);
      const { subject, service } = subjectOf(
        turn,
        streams.services || services,
      );
      const arrivals = streams.arrivals(subject, service);
      await toggle(subject, service);
      const answered = performance.now();
      for (const atMs of await arrivals) {
        if (atMs === null) lost++;
        // The proxy may know before who asked for the change does.
        else latenciesMs.push(Math.max(0, atMs - answered));
      }
    }),
  );
  return {
    seconds: (performance.now() - start) / 1_000,
    requests: total,
    failed: lost,
    latency: latencyOf(Float64Array.from(latenciesMs)),
    bytes: null,
  };
}

/** Both kinds in turns, each at the other end of the Services: a new protocol is told to callers too. */
function subjectOf(
  turn: number,
  services: number,
): { readonly subject: Subject; readonly service: number } {
  const step = Math.floor(turn / 2);
  return turn % 2 === 0 ? { subject: "endpoints", service: step % services } : {
    subject: "policy",
    service: (step + Math.floor(services / 2)) % services,
  };
}

/** Changes one thing about a Service, and back again the next time. */
type Toggle = (subject: Subject, service: number) => Promise<unknown>;

function createToggle(cluster: MeshCluster): Toggle {
  const changed = new Set<string>();
  return (subject, service) => {
    const key = `${subject} ${service}`;
    const isBack = changed.delete(key);
    if (!isBack) changed.add(key);
    return subject === "endpoints"
      ? setReady(cluster, service, isBack ? 5 : 4)
      : setProtocol(cluster, service, isBack ? "HTTP/1" : "opaque");
  };
}
