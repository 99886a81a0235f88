/**
 * `bun bench/micro/routes.ts`: what it costs to find the rule of a request among 1,000 of a client policy, and to make
 * them ready when a policy comes. A route object may have as many (issue of traffic management: CPU stays bounded).
 */
import { Field } from "../../proxy/http/field.ts";
import { HOST, METHOD, PATH, RequestHead } from "../../proxy/http/message.ts";
import { createHttpTable, type Rule } from "../../proxy/route/route-table.ts";
import type { HostMatch, HttpMatch, PathMatch } from "../../schemas/route.ts";

const RULES = 1_000;
const REQUESTS = 2_000;
const ROUNDS = 7;

const encoder = new TextEncoder();
const EVERY: HttpMatch = {
  path: null,
  headers: [],
  queryParams: [],
  method: null,
};

type Make = (at: number) => {
  readonly match: Partial<HttpMatch>;
  readonly hosts?: readonly HostMatch[];
};
const byPath = (path: (at: number) => PathMatch): Make => (at) => ({
  match: { path: path(at) },
});

const CASES: readonly (readonly [name: string, make: Make, path?: string])[] = [
  [
    "exact paths",
    byPath((at) => ({ kind: "exact", path: `/api/items/${at}` })),
  ],
  ["prefixes", byPath((at) => ({ kind: "prefix", path: `/api/items/${at}` }))],
  [
    "patterns that begin differently",
    byPath((at) => ({ kind: "regex", pattern: `/api/items/${at}(/.*)?` })),
  ],
  [
    "patterns that begin alike",
    byPath((at) => ({ kind: "regex", pattern: `.*/items/${at}` })),
  ],
  [
    "patterns that stop engines which go back, none of which matches",
    byPath((at) => ({ kind: "regex", pattern: `/(a+)+b${at}` })),
    `/${"a".repeat(100)}`,
  ],
  ["hosts that end differently", (at) => ({
    match: {},
    hosts: [{ kind: "suffix", suffix: `.${at}.example.org` }],
  })],
  ["values of one header", (at) => ({
    match: {
      headers: [{ name: "x-user", value: { kind: "exact", value: `${at}` } }],
    },
  })],
  ["values of one parameter", (at) => ({
    match: {
      queryParams: [{ name: "user", value: { kind: "exact", value: `${at}` } }],
    },
  })],
];

/** A request for the last rule. */
function requestFor(path: string): RequestHead {
  const last = String(RULES - 1);
  const target = encoder.encode(`${path}?page=2&user=${last}`);
  const head = new RequestHead(
    "1.1",
    new Field(METHOD, encoder.encode("GET")),
    new Field(PATH, target),
    [
      ...["accept", "user-agent", "accept-encoding", "x-request-id"]
        .map((name) => Field.of(name, "something")),
      Field.of("x-user", last),
    ],
  );
  head.host = new Field(HOST, encoder.encode(`www.${last}.example.org:8080`));
  return head;
}

function cpuMicros(work: () => void): number {
  const { user, system } = process.cpuUsage();
  work();
  const after = process.cpuUsage();
  return after.user + after.system - user - system;
}

function bestOf(work: () => void): number {
  return Math.min(
    ...Array.from({ length: ROUNDS }, () => cpuMicros(work)),
  );
}

for (const [name, make, path] of CASES) {
  const rules = Array.from(
    { length: RULES },
    (_, at): Rule<HttpMatch, number> => {
      const { match, hosts = [] } = make(at);
      return { hosts, matches: [{ ...EVERY, ...match }], payload: at };
    },
  );
  const first = cpuMicros(() => void createHttpTable(rules)) / 1_000;
  const table = createHttpTable(rules);
  const again = bestOf(() => void createHttpTable(rules)) / 1_000;
  const wanted = path === undefined ? RULES - 1 : null;
  const finding = bestOf(() => {
    for (let at = 0; at < REQUESTS; at++) {
      const head = requestFor(path ?? `/api/items/${RULES - 1}`);
      if ((table.find(head)?.payload ?? null) !== wanted) {
        throw new Error(`wrong rule of ${name}`);
      }
    }
  }) / REQUESTS;
  process.stdout.write(
    `1,000 ${name}: ${finding.toFixed(2)} us per request; ${
      first.toFixed(1)
    } ms to make ready, ${again.toFixed(1)} ms when a policy changes
`,
  );
}
