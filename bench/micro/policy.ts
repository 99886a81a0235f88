/**
 * `bun bench/micro/policy.ts`: what inbound policy costs for one request: finding its route and who may take it, on a
 * port with 1,000 routes and 1,000 authorizations, beside a port with the default policy. The promise is 20 us.
 */
import { createEarly } from "../../proxy/http/early.ts";
import { Field } from "../../proxy/http/field.ts";
import { METHOD, PATH, RequestHead } from "../../proxy/http/message.ts";
import type { App } from "../../proxy/inbound/apps.ts";
import type { Port } from "../../proxy/inbound/ports.ts";
import { createInboundRecorder } from "../../proxy/inbound/recorder.ts";
import { createRequests } from "../../proxy/inbound/requests.ts";
import { enforce } from "../../proxy/policy/enforcement.ts";
import { createRegistry } from "../../proxy/record.ts";
import { createFamilies } from "../../proxy/record/families.ts";
import { parseNetwork } from "../../schemas/address.ts";
import type {
  Authorization,
  InboundHttpRoute,
  ServerPolicy,
} from "../../schemas/policy.ts";
import type { PathMatch } from "../../schemas/route.ts";

const POLICIES = 1_000;
const REQUESTS = 20_000;
const ROUNDS = 7;
const META = { group: "policy.linkerd.io", kind: "server", name: "bench" };
const NETWORKS = ["0.0.0.0/0", "::/0"].map((text) => ({
  network: parseNetwork(text),
  except: [],
}));

const nameOf = (at: number): string =>
  `client-${at}.shop.serviceaccount.identity.linkerd.cluster.local`;

/** Permits one identity; the last one is the caller's, so that all are gone through. */
function authorization(at: number): Authorization {
  return {
    networks: NETWORKS,
    authentication: {
      kind: "identities",
      identities: new Set([nameOf(at)]),
      suffixes: [],
    },
    meta: { ...META, kind: "authorizationpolicy", name: `policy-${at}` },
  };
}

const numbers = Array.from({ length: POLICIES }, (_, at) => at);

function route(at: number, path: PathMatch): InboundHttpRoute {
  return {
    meta: { kind: "default", name: `route-${at}` },
    hosts: [],
    authorizations: [authorization(at)],
    rules: [{
      matches: [{ path, headers: [], queryParams: [], method: null }],
      filters: [],
    }],
  };
}

function policy(
  authorizations: readonly Authorization[],
  routes?: readonly InboundHttpRoute[],
): ServerPolicy {
  return {
    protocol: { kind: "http1", ...(routes === undefined ? {} : { routes }) },
    authorizations,
    meta: META,
  };
}

const families = createFamilies(createRegistry({ retainIdleMs: 600_000 }));
const recorder = createInboundRecorder(families);
const app = { release() {} } as App;

function connect(server: ServerPolicy) {
  const port: Port = {
    number: 80,
    policy: server,
    enforcement: enforce(server, null),
    habits: { speaksFirst: false, speaksHttp: true },
    subscribe: () => () => {},
    release() {},
  };
  const id = nameOf(POLICIES - 1);
  return () =>
    createRequests({
      app,
      port,
      caller: { ip: "10.0.0.1", tls: { id } },
      connection: {
        target: { ip: "10.0.0.2", port: 80 },
        tls: { kind: "accepted", clientId: id },
      },
      recorder,
      inFlight: { count: 0, max: 1 },
      early: createEarly(null),
      audited() {},
      revoked() {},
    });
}

const METHOD_GET = new Field(METHOD, new TextEncoder().encode("GET"));

/** Requests for the last route: a path that is not remembered, as with numbers in it. */
function requests(): RequestHead[] {
  return Array.from({ length: REQUESTS }, (_, at) => {
    const path = `/api/v1/service-${POLICIES - 1}/items/${at}?page=2`;
    const field = new Field(PATH, new TextEncoder().encode(path));
    return new RequestHead("1.1", METHOD_GET, field, []);
  });
}

function measure(server: ServerPolicy, fresh: boolean): string {
  const open = connect(server);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const heads = requests();
    let connection = open();
    const { user, system } = process.cpuUsage();
    for (const head of heads) {
      if (fresh) {
        connection.release();
        connection = open();
      }
      if ("kind" in connection.next(head)) throw new Error("not permitted");
    }
    const after = process.cpuUsage();
    times.push((after.user + after.system - user - system) / REQUESTS);
    connection.release();
  }
  times.sort((a, b) => a - b);
  return `${times[ROUNDS >> 1]?.toFixed(2)} us (best ${times[0]?.toFixed(2)})`;
}

const everyone: Authorization = {
  networks: NETWORKS,
  authentication: { kind: "unauthenticated" },
  meta: META,
};
const many = numbers.map(authorization);
const CASES: readonly (readonly [string, ServerPolicy])[] = [
  ["default policy", policy([everyone])],
  ["1,000 authorizations", policy(many)],
  [
    "1,000 routes by prefix, each with an authorization, and 1,000 more",
    policy(
      many.slice(0, -1),
      numbers.map((at) =>
        route(at, { kind: "prefix", path: `/api/v1/service-${at}` })
      ),
    ),
  ],
  [
    "1,000 routes by pattern, each with an authorization",
    policy(
      [],
      numbers.map((at) =>
        route(at, { kind: "regex", pattern: `/api/v1/service-${at}/.*` })
      ),
    ),
  ],
];
for (const [name, server] of CASES) {
  process.stdout.write(
    `${name}: ${measure(server, false)} per request; ${
      measure(server, true)
    } with a connection of its own\n`,
  );
}
