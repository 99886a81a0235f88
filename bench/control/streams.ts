import { connectTo } from "../../control/testing/client.ts";
import { Problem } from "../../schemas/problem.ts";
import { Destination } from "../../schemas/proto/gen/destination_pb.ts";
import { InboundServerPolicies } from "../../schemas/proto/gen/inbound_pb.ts";
import type { ControlProgram } from "./program.ts";
import { placeOf, podName, PODS_PER_SERVICE } from "./population.ts";

/** As many as the proxy of a busy pod has; each proxy has a connection to discovery and one to policy. */
const STREAMS_PER_CONNECTION = 25;

/** How long a message may take before it counts as lost. */
const PATIENCE_MS = 10_000;

/** What a stream is about: where the Service is, or what holds for a port of its Pods. */
export type Subject = "endpoints" | "policy";

/** Streams as proxies open them. */
export interface Streams {
  /** Services that some stream of either kind is about: those below this number. */
  readonly services: number;
  /** When the next message came on each stream about the Service, as `performance.now`; null: on that one, never. */
  readonly arrivals: (
    subject: Subject,
    service: number,
  ) => Promise<readonly (number | null)[]>;
  readonly close: () => void;
}

/** One stream's reader: what to do with the time of its next message. */
interface Line {
  onMessage: (atMs: number) => void;
}

/** Opens so many streams, half of each kind, over the Services in turn; resolves when each has had its first message. */
export async function openStreams(
  { ports }: ControlProgram,
  count: number,
  services: number,
): Promise<Streams> {
  const each = count / 2;
  const hangUp = new AbortController();
  const lines = new Map<string, Line[]>();
  const first: Promise<void>[] = [];
  const start = (
    subject: Subject,
    service: number,
    messages: AsyncIterable<unknown>,
  ): void => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const line: Line = { onMessage: () => resolve() };
    const key = `${subject} ${service}`;
    lines.set(key, [...lines.get(key) ?? [], line]);
    first.push(promise);
    read(messages, line).catch((cause) =>
      reject(
        new Problem("system.failed", `No stream about ${key}: ${cause}`, {
          cause,
        }),
      )
    );
  };
  for (let from = 0; from < each; from += STREAMS_PER_CONNECTION) {
    const to = Math.min(each, from + STREAMS_PER_CONNECTION);
    const { get } = connectTo(Destination, ports["destination"]);
    const { watchPort } = connectTo(
      InboundServerPolicies,
      ports["policy"],
    );
    for (let stream = from; stream < to; stream++) {
      const service = stream % services;
      const place = placeOf(service);
      const { name, namespace } = place;
      const path = `${name}.${namespace}.svc.cluster.local:80`;
      const contextToken = `{"ns":"${namespace}","nodeName":"node-1"}`;
      const options = { signal: hangUp.signal };
      start("endpoints", service, get({ path, contextToken }, options));
      const pod = podName(
        place,
        Math.floor(stream / services) % PODS_PER_SERVICE,
      );
      const workload = `${namespace}:${pod}`;
      start("policy", service, watchPort({ workload, port: 8080 }, options));
    }
  }
  await Promise.all(first);
  return {
    services: Math.min(each, services),
    arrivals: (subject, service) =>
      Promise.all((lines.get(`${subject} ${service}`) ?? []).map(nextOf)),
    close: () => hangUp.abort(),
  };
}

async function read(
  messages: AsyncIterable<unknown>,
  line: Line,
): Promise<void> {
  for await (const _ of messages) line.onMessage(performance.now());
}

function nextOf(line: Line): Promise<number | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), PATIENCE_MS);
    line.onMessage = (atMs) => {
      clearTimeout(timer);
      resolve(atMs);
    };
  });
}
