import type {
  InboundGrpcRoute,
  InboundHttpRoute,
  ServerMeta,
  ServerPolicy,
} from "../../schemas/policy.ts";
import type { GrpcMatch, HttpMatch, PathMatch } from "../../schemas/route.ts";
import type { RequestHead } from "../http/message.ts";
import { toServerMeta } from "../wire/common.ts";
import {
  type Demand,
  formOf,
  grpcDemand,
  httpDemand,
  readyPattern,
  type Subject,
} from "./demand.ts";
import { type Filter, readyFilter } from "./filter.ts";
import {
  type Claim,
  type PathDemand,
  PathTable,
  type Route,
} from "./path-table.ts";
import { readingsOf } from "./readings.ts";

/** The route of a policy that names none. */
export const DEFAULT_ROUTE: ServerMeta = {
  group: "",
  kind: "default",
  name: "default",
};

const EVERY_REQUEST: HttpMatch = {
  path: null,
  headers: [],
  queryParams: [],
  method: null,
};
const EVERY_CALL: GrpcMatch = { service: null, method: null, headers: [] };

const encoder = new TextEncoder();

/** The routes of a policy, made ready to be found; see `PathTable` for their order, in which hosts come first. */
export class RouteTable {
  /** False when there is a claim of which nobody knows what it means. */
  readonly sure: boolean;
  /** Set when every request is claimed by this one. */
  private readonly only: Claim | null;
  private readonly byHost = new Map<string, PathTable>();
  /** The longest first. */
  private readonly bySuffix: readonly (readonly [string, PathTable])[];
  private readonly anyHost: PathTable;
  private readonly asksHost: boolean;
  private readonly asksParams: boolean;
  private subject: Subject | null = null;

  constructor(policy: ServerPolicy) {
    const listed = claimsOf(policy);
    const hosted = new Map<string, Claim[]>();
    const claims = listed.map(({ claim }) => claim);
    for (const { hosts, claim } of listed) {
      // A star stands for any host: no host has one.
      for (const host of hosts.length === 0 ? ["*"] : hosts) {
        hosted.set(host, [...hosted.get(host) ?? [], claim]);
      }
    }
    this.sure = claims.every(({ sure }) => sure);
    this.anyHost = new PathTable(hosted.get("*") ?? []);
    hosted.delete("*");
    this.asksHost = hosted.size > 0;
    this.asksParams = claims.some(({ demand }) => demand.params.length > 0);
    const suffixes: [string, PathTable][] = [];
    for (const [host, of] of hosted) {
      if (host.startsWith(".")) suffixes.push([host, new PathTable(of)]);
      else this.byHost.set(host, new PathTable(of));
    }
    this.bySuffix = suffixes.sort(([a], [b]) => b.length - a.length);
    const [only] = claims;
    this.only = claims.length === 1 && only !== undefined && !this.asksHost &&
        takesAll(only)
      ? only
      : null;
  }

  /** The best claim to a request as it is; null: it has no route. */
  find(head: RequestHead): Claim | null {
    if (this.only !== null) return this.only;
    const subject = this.prepare(head);
    return this.search(subject);
  }

  /**
   * Whether `permits` holds for a request that `claim` has, under every other reading of its path, host and query. It is
   * not called for requests that there is only one way to read. A rule that says a path exactly means its very octets.
   */
  everyReading(
    head: RequestHead,
    claim: Claim,
    permits: (claim: Claim | null) => boolean,
  ): boolean {
    if (this.only !== null) return true;
    const [path = ""] = head.path.text.split("?", 1);
    const paths = claim.path.kind === "exact" ? [] : readingsOf(path);
    const { authority, host } = head;
    const hosts = this.asksHost && authority !== null && host !== null &&
        authority.text !== host.text
      ? [hostOf(authority.text), hostOf(host.text)]
      : [];
    const orders = this.asksParams && isRepeated(formOf(head))
      ? [false, true]
      : [];
    if (paths.length + hosts.length + orders.length === 0) return true;
    const subject = this.prepare(head);
    const octets = [subject.path, ...paths.map((one) => encoder.encode(one))];
    for (const reading of octets) {
      for (const name of hosts.length === 0 ? [subject.host] : hosts) {
        for (const last of orders.length === 0 ? [false] : orders) {
          Object.assign(subject, { path: reading, host: name });
          subject.lastCounts = last;
          if (!permits(this.search(subject))) return false;
        }
      }
    }
    return true;
  }

  private prepare(head: RequestHead): Subject {
    const subject = this.subject ??= {
      head,
      path: head.path.value,
      pathEnd: 0,
      host: null,
      lastCounts: false,
      form: null,
    };
    subject.head = head;
    subject.path = head.path.value;
    subject.lastCounts = false;
    subject.form = null;
    if (this.asksHost) {
      const host = head.authority ?? head.host;
      subject.host = host === null ? null : hostOf(host.text);
    }
    return subject;
  }

  private search(subject: Subject): Claim | null {
    const { host } = subject;
    if (host !== null) {
      const claim = this.byHost.get(host)?.find(subject) ?? null;
      if (claim !== null) return claim;
      for (const [suffix, table] of this.bySuffix) {
        if (host.length <= suffix.length || !host.endsWith(suffix)) continue;
        const found = table.find(subject);
        if (found !== null) return found;
      }
    }
    return this.anyHost.find(subject);
  }
}

/** A name as hosts are compared: without port and final dot, in lower case. */
function hostOf(authority: string): string {
  return authority.replace(/:\d*$/, "").replace(/\.$/, "").toLowerCase();
}

function isRepeated(form: URLSearchParams): boolean {
  return new Set(form.keys()).size < form.size;
}

function takesAll({ path, demand }: Claim): boolean {
  return (path.kind === "any" ||
    path.kind === "prefix" && path.octets.length === 0) &&
    demand.method === null && demand.call === null &&
    demand.headers.length === 0 && demand.params.length === 0;
}

interface Listed {
  readonly hosts: readonly string[];
  readonly claim: Claim;
}

function claimsOf({ protocol }: ServerPolicy): Listed[] {
  switch (protocol.kind) {
    case "detect":
    case "http1":
    case "http2":
      return claimsOfRoutes(protocol.routes ?? [defaultRoute()], httpClaim);
    case "grpc":
      return protocol.routes === undefined
        ? claimsOfRoutes([defaultRoute()], httpClaim)
        : claimsOfRoutes(protocol.routes, grpcClaim);
    case "opaque":
    case "tls":
      // HTTP of a connection from before the port became this.
      return claimsOfRoutes([defaultRoute()], httpClaim);
  }
}

function defaultRoute(): InboundHttpRoute {
  return {
    meta: { kind: "default", name: DEFAULT_ROUTE.name },
    hosts: [],
    authorizations: [],
    rules: [{ matches: [], filters: [] }],
  };
}

type Demands = { readonly path: PathDemand; readonly demand: Demand };

function claimsOfRoutes<R extends InboundHttpRoute | InboundGrpcRoute>(
  routes: readonly R[],
  demandsOf: (match: R["rules"][number]["matches"][number] | null) => Demands,
): Listed[] {
  return routes.flatMap(({ meta, hosts, authorizations, rules }, index) => {
    const route: Route = { index, meta: toServerMeta(meta), authorizations };
    const names = hosts.map((match) =>
      (match.kind === "exact" ? match.host : match.suffix).toLowerCase()
    );
    return rules.flatMap((rule) => {
      const filters: Filter[] = rule.filters.map(readyFilter);
      const matches = rule.matches.length === 0 ? [null] : rule.matches;
      return matches.map((match): Listed => {
        const { path, demand } = demandsOf(match);
        return {
          hosts: names,
          claim: {
            route,
            filters: filters.length === 0 ? null : filters,
            path,
            demand,
            sure: demand.sure &&
              (path.kind !== "pattern" || path.pattern !== null),
          },
        };
      });
    });
  });
}

function httpClaim(match: HttpMatch | null): Demands {
  const { path } = match ?? EVERY_REQUEST;
  return {
    path: path === null ? { kind: "any" } : pathDemand(path),
    demand: httpDemand(match ?? EVERY_REQUEST),
  };
}

function pathDemand(path: PathMatch): PathDemand {
  switch (path.kind) {
    case "exact":
      return { kind: "exact", octets: encoder.encode(path.path) };
    case "prefix":
      // Segments count, so that `/a/` takes `/a` too (Gateway API, PathMatchPathPrefix).
      return {
        kind: "prefix",
        octets: encoder.encode(path.path.replace(/\/+$/, "")),
      };
    case "regex":
      return { kind: "pattern", pattern: readyPattern(path.pattern) };
  }
}

function grpcClaim(match: GrpcMatch | null): Demands {
  const { service, method } = match ?? EVERY_CALL;
  const path: PathDemand = service === null
    ? { kind: "any" }
    : method === null
    ? { kind: "prefix", octets: encoder.encode(`/${service}`) }
    : { kind: "exact", octets: encoder.encode(`/${service}/${method}`) };
  return { path, demand: grpcDemand(match ?? EVERY_CALL) };
}
