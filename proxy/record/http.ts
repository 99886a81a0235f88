import type { Verdict } from "./classify.ts";
import { Holding } from "./holding.ts";
import { formatLabels, joinLabels } from "./labels.ts";
import type { Histogram, Series } from "./series.ts";
import type { HttpFamilies } from "./traffic.ts";

/**
 * `request_total`, `response_total` and `response_latency_ms` under one set of endpoint labels, held until `release`.
 * Made once per endpoint (or accepted connection), so that counting a request is a map look-up by status and no text.
 */
export class HttpRecorder {
  /** `requests.value += 1` when a request's body begins, or at its end when it has none. */
  readonly requests: Series;
  readonly #families: HttpFamilies;
  readonly #labels: string;
  readonly #byStatus = new Map<number, StatusSeries>();
  readonly #holding = new Holding();

  constructor(families: HttpFamilies, labels: string) {
    this.#families = families;
    this.#labels = labels;
    this.requests = this.#holding.keep(families.requests.with(labels));
  }

  /** Observe milliseconds from the request to the first body frame of the response, or to its end. */
  latency(status: number): Histogram {
    const found = this.#status(status);
    return found.latency ??= this.#holding.keep(
      this.#families.latencyMs.with(found.labels),
    );
  }

  /** Counts the end of a response; `status` is 0 when there was no head. */
  response(status: number, verdict: Verdict): void {
    const { labels, byVerdict } = this.#status(status);
    let series = byVerdict.get(verdict);
    if (series === undefined) {
      series = this.#holding.keep(
        this.#families.responses.with(
          joinLabels(labels, verdictLabels(verdict)),
        ),
      );
      byVerdict.set(verdict, series);
    }
    series.value += 1;
  }

  release(): void {
    this.#holding.release();
    this.#byStatus.clear();
  }

  #status(status: number): StatusSeries {
    let found = this.#byStatus.get(status);
    if (found === undefined) {
      const code = status === 0 ? "" : String(status);
      found = {
        labels: joinLabels(this.#labels, formatLabels([["status_code", code]])),
        latency: null,
        byVerdict: new Map(),
      };
      this.#byStatus.set(status, found);
    }
    return found;
  }
}

interface StatusSeries {
  readonly labels: string;
  latency: Histogram | null;
  readonly byVerdict: Map<Verdict, Series>;
}

function verdictLabels(verdict: Verdict): string {
  return formatLabels([
    ["classification", verdict.classification],
    ["grpc_status", verdict.grpcStatus],
    ["error", verdict.error],
  ]);
}
