import { parseArgs } from "node:util";
import { parseDuration } from "../schemas/duration.ts";
import { describe, Problem } from "../schemas/problem.ts";

export interface DemoOptions {
  readonly help: boolean;
  /** Ends by itself after this long under load; null: on Ctrl-C. */
  readonly forMs: number | null;
  readonly json: boolean;
  /** Whether to open the dashboard, where somebody sits who can see it. */
  readonly browser: boolean;
  /** Pages per second. */
  readonly rate: number;
}

/** Enough for steady percentiles, little enough to leave a laptop quiet. */
const DEFAULT_RATE = 20;

export const HELP = `A whole mesh on this machine: npm run demo [-- flags]

Pods are network namespaces; every connection between meshed ones is mutual TLS 1.3. Needs Linux and root.

  --for 15s     end by itself after this long under load (default: on Ctrl-C)
  --json        print one JSON object at the end, nothing else on standard output
  --no-browser  do not open the dashboard on a desktop
  --rate N      pages per second that the load generator asks for (default ${DEFAULT_RATE})
  --help        this text

The exit code is 0 only if every edge between meshed pods was secured by TLSv1.3 and no request failed.
`;

/** Reads the demo's command line; throws `config.invalid`. */
export function parseDemoOptions(argv: readonly string[]): DemoOptions {
  const { values } = parse(argv);
  if (!/^[1-9]\d{0,4}$/.test(values.rate)) {
    throw new Problem(
      "config.invalid",
      `Cannot read --rate "${values.rate}": expected pages per second, 1 to 99999`,
    );
  }
  return {
    help: values.help,
    forMs: values.for === undefined ? null : parseDuration(values.for),
    json: values.json,
    browser: !values["no-browser"],
    rate: Number(values.rate),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        help: { type: "boolean", short: "h", default: false },
        for: { type: "string" },
        json: { type: "boolean", default: false },
        "no-browser": { type: "boolean", default: false },
        rate: { type: "string", default: String(DEFAULT_RATE) },
      },
    });
  } catch (error) {
    throw new Problem("config.invalid", describe(error), {
      hint: "npm run demo -- --help lists the flags",
    });
  }
}
