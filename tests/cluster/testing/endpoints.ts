import type { Access } from "../kubectl.ts";

/** A number that was another until then. */
export interface Change {
  readonly value: number;
  /** Of `performance.now()`. */
  readonly atMs: number;
}

/** Changes of a number, as they are seen. */
export interface Changes extends AsyncDisposable {
  readonly seen: readonly Change[];
}

/**
 * How much later each of some changes was seen elsewhere too, in milliseconds: the same number, or one that is further
 * on the way, for a follower may skip what was overtaken. All changes lead the same way. Null until the last was seen.
 */
export function delaysMs(
  changes: readonly Change[],
  followers: readonly Change[],
): readonly number[] | null {
  const last = changes.at(-1)?.value ?? 0;
  const isUp = last >= (changes[0]?.value ?? 0);
  const seenMs = changes.map(({ value }) =>
    followers.find((one) => isUp ? one.value >= value : one.value <= value)
      ?.atMs
  );
  const delays = seenMs.flatMap((at, index) =>
    at === undefined ? [] : [Math.max(0, at - (changes[index]?.atMs ?? 0))]
  );
  const isSettled = followers.at(-1)?.value === last;
  return isSettled && delays.length === changes.length ? delays : null;
}

/** Watches how many ready endpoints a Service has, by its EndpointSlices. */
export function watchSlices(
  { kubectl, kubeconfig }: Access,
  namespace: string,
  service: string,
): Changes {
  const selector = `kubernetes.io/service-name=${service}`;
  const path =
    `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const child = Bun.spawn(
    [
      ...[kubectl, "get", "--raw"],
      `${path}?watch=1&labelSelector=${encodeURIComponent(selector)}`,
    ],
    {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const seen: Change[] = [];
  const ready = new Map<string, number>();
  const reading = readLines(child.stdout, (line) => {
    const { object } = JSON.parse(line) as {
      object: {
        metadata: { name: string };
        endpoints?: { conditions: { ready?: boolean } }[] | null;
      };
    };
    const { metadata, endpoints } = object;
    const count = (endpoints ?? []).filter(({ conditions }) => conditions.ready)
      .length;
    ready.set(metadata.name, count);
    note(seen, ready.values().reduce((sum, each) => sum + each, 0));
  });
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await reading;
    },
  };
}

/** Reads again and again from a proxy's metrics, at a port here, how many endpoints of a Service it knows. */
export function watchProxy(port: number, service: string): Changes {
  const seen: Change[] = [];
  const stop = new AbortController();
  const reading = (async () => {
    while (!stop.signal.aborted) {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
      note(seen, countEndpoints(await answer.text(), service));
      await Bun.sleep(SAMPLE_MS);
    }
  })();
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await reading;
    },
  };
}

/** Short beside the second that endpoints may take, long beside what a page costs the proxy. */
const SAMPLE_MS = 50;

function countEndpoints(page: string, service: string): number {
  return page.split("\n")
    .filter((line) =>
      line.startsWith("outbound_http_balancer_endpoints{") &&
      line.includes(`,backend_name="${service}",`)
    )
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

function note(seen: Change[], value: number): void {
  if (seen.at(-1)?.value === value) return;
  seen.push({ value, atMs: performance.now() });
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  }
}
