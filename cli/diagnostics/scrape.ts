import { describe } from "../../schemas/problem.ts";
import type { Cluster, PodName } from "../cluster.ts";
import { type Pod, runningContainers } from "../workload/pods.ts";

/** Where a container answers `/metrics`. */
export interface AdminPort {
  readonly pod: PodName;
  readonly container: string;
  readonly port: number;
}

/** What a container answered. */
export type Page =
  & AdminPort
  & (
    | { readonly text: string; readonly error?: undefined }
    | { readonly text?: undefined; readonly error: string }
  );

/** Connections through the API server at a time: each is a stream that it holds open. */
const PARALLEL = 10;

/** The longest page: a proxy's has a few megabytes at most, as its series are bounded. */
const PAGE_MAX_BYTES = 256 * 1024 * 1024;

/** Ports of running Pods whose names end in `suffix`, by Pod, then container. */
export function adminPorts(pods: readonly Pod[], suffix: string): AdminPort[] {
  return pods
    .filter(({ status }) => status?.phase === "Running")
    .flatMap((pod) =>
      runningContainers(pod).flatMap(({ name, ports = [] }) =>
        ports.filter((port) => port.name?.endsWith(suffix) ?? false).map((
          { containerPort },
        ) => ({
          pod: {
            namespace: pod.metadata.namespace ?? "default",
            name: pod.metadata.name,
          },
          container: name,
          port: containerPort,
        }))
      )
    )
    .sort((a, b) =>
      `${a.pod.name}\0${a.container}` < `${b.pod.name}\0${b.container}` ? -1 : 1
    );
}

/** What all of them answer, in their order; whoever has not by the end of `waitMs` is an error among the others. */
export async function fetchMetrics(
  cluster: Pick<Cluster, "forward">,
  ports: readonly AdminPort[],
  waitMs: number,
): Promise<Page[]> {
  const late = AbortSignal.timeout(waitMs);
  const pages: Page[] = [];
  for (let at = 0; at < ports.length; at += PARALLEL) {
    pages.push(
      ...await Promise.all(
        ports.slice(at, at + PARALLEL).map((port) =>
          fetchPage(cluster, port, late)
        ),
      ),
    );
  }
  return pages;
}

async function fetchPage(
  cluster: Pick<Cluster, "forward">,
  port: AdminPort,
  signal: AbortSignal,
): Promise<Page> {
  try {
    signal.throwIfAborted();
    const forward = await cluster.forward(port.pod, port.port);
    try {
      const response = await fetch(`${forward.url}/metrics`, { signal });
      const text = await readText(response);
      return response.ok ? { ...port, text } : {
        ...port,
        error: `/metrics answers ${response.status} ${response.statusText}`,
      };
    } finally {
      await forward.close();
    }
  } catch (thrown) {
    return { ...port, error: describe(thrown) };
  }
}

async function readText(response: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > PAGE_MAX_BYTES) {
      throw new Error(`/metrics has more than ${PAGE_MAX_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** A page as printed: who says it, then what. */
export function pageBlock(
  { pod, container, text, error }: Page,
  at: number,
  count: number,
  show: { readonly container: boolean },
): string {
  const whose = show.container ? `# CONTAINER ${container} \n` : "";
  const head = `#\n# POD ${pod.name} (${at + 1} of ${count})\n${whose}#\n`;
  if (text !== undefined) return head + text;
  return `${head}# ERROR${show.container ? "" : ":"} ${error}\n`;
}
