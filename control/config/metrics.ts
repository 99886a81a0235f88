import type { ApiServer } from "../kube/in-cluster.ts";
import { type ListenAddress, parseListenAddress } from "./address.ts";
import { METRICS_FLAGS } from "./known-flags.ts";
import {
  type Common,
  type Env,
  readApiServer,
  readProgram,
  SOURCES,
} from "./program.ts";
import { oneOf, parseLifetime } from "./values.ts";

export interface MetricsConfig extends Common {
  readonly program: "metrics";
  readonly scrapeEveryMs: number;
  /** Answers from this Prometheus instead of scraping; null: none. */
  readonly prometheusUrl: string | null;
  /** The folder of the certificate that the API server knows us by; only in a cluster. */
  readonly certificate: string;
  /** Where pods are read from. */
  readonly source:
    | { readonly kind: "files"; readonly manifests: string }
    | { readonly kind: "kube"; readonly server: ApiServer };
}

export function parseMetrics(
  argv: readonly string[],
  env: Env,
): MetricsConfig {
  return readProgram(argv, env, METRICS_FLAGS, (flags) => {
    const source = flags.read("source", oneOf(SOURCES));
    const prometheusUrl = flags.text("prometheus-url", false);
    if (prometheusUrl !== "" && !/^https?:$/.test(protocolOf(prometheusUrl))) {
      flags.fail(
        `--prometheus-url "${prometheusUrl}": expected a URL, such as http://prometheus.monitoring:9090`,
      );
    }
    const isOpen = !isLoopback(flags.read("addr", parseListenAddress));
    if (source === "files" && isOpen) {
      flags.fail(
        "--addr: with --source files it answers whoever asks, so it listens on 127.0.0.1 or [::1] only, such as 127.0.0.1:8085",
      );
    }
    const own: Omit<MetricsConfig, keyof Common> = {
      program: "metrics",
      scrapeEveryMs: flags.read("scrape-interval", parseLifetime),
      certificate: flags.text("tls"),
      prometheusUrl: prometheusUrl === "" ? null : prometheusUrl,
      source: source === "files"
        ? { kind: "files", manifests: flags.text("manifests") }
        : { kind: "kube", server: readApiServer(flags, env) },
    };
    return own;
  });
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : "";
}

function isLoopback({ host }: ListenAddress): boolean {
  return host !== undefined && (host.startsWith("127.") || host === "::1");
}
