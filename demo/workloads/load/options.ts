import { parseArgs } from "node:util";
import { parseDuration } from "../../../schemas/duration.ts";
import { Problem } from "../../../schemas/problem.ts";

/** What to send, and until when. */
export interface LoadOptions {
  readonly url: URL;
  readonly method: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly connections: number;
  /** Requests per second over all connections, sent on time whatever the answers take; null: as fast as they come. */
  readonly rate: number | null;
  /** Ends by itself after this many requests or milliseconds; both null: on SIGTERM. */
  readonly requests: number | null;
  readonly forMs: number | null;
}

/** Reads the command line of the load generator; throws `config.invalid`. */
export function parseLoadOptions(argv: readonly string[]): LoadOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      url: { type: "string" },
      method: { type: "string", default: "GET" },
      header: { type: "string", multiple: true, default: [] },
      body: { type: "string", default: "" },
      connections: { type: "string", default: "1" },
      rate: { type: "string" },
      requests: { type: "string" },
      for: { type: "string" },
    },
  });
  if (values.url === undefined || !URL.canParse(values.url)) {
    throw new Problem(
      "config.invalid",
      `Cannot read --url "${
        values.url ?? ""
      }": expected an HTTP address, such as http://web.shop/`,
    );
  }
  return {
    url: new URL(values.url),
    method: values.method,
    fields: values.header,
    body: values.body,
    connections: parseCount("connections", values.connections),
    rate: values.rate === undefined ? null : parseCount("rate", values.rate),
    requests: values.requests === undefined
      ? null
      : parseCount("requests", values.requests),
    forMs: values.for === undefined ? null : parseDuration(values.for),
  };
}

function parseCount(flag: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Problem(
    "config.invalid",
    `Cannot read --${flag} "${text}": expected a whole number above 0`,
  );
}
