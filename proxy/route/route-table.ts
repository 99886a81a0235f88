import type {
  GrpcMatch,
  HostMatch,
  HttpMatch,
  PathMatch,
} from "../../schemas/route.ts";
import type { RequestHead } from "../http/message.ts";
import {
  type Demand,
  formOf,
  grpcDemand,
  httpDemand,
  readyPattern,
  type Subject,
} from "./demand.ts";
import { type Claim, type PathDemand, PathTable } from "./path-table.ts";
import { readingsOf } from "./readings.ts";

/** A rule of a route: requests to one of the hosts (none: any) that match in one of the ways (none: all) have it. */
export interface Rule<M, T> {
  readonly hosts: readonly HostMatch[];
  readonly matches: readonly M[];
  /** Given to whoever finds the rule. */
  readonly payload: T;
}

const EVERY_REQUEST: HttpMatch = {
  path: null,
  headers: [],
  queryParams: [],
  method: null,
};
const EVERY_CALL: GrpcMatch = { service: null, method: null, headers: [] };

const encoder = new TextEncoder();

/** Makes the rules of HTTP routes ready to be found; of equally good ones the first holds. */
export function createHttpTable<T>(
  rules: readonly Rule<HttpMatch, T>[],
): RouteTable<T> {
  return new RouteTable(listClaims(rules, EVERY_REQUEST, httpDemands));
}

/** The same for gRPC routes. */
export function createGrpcTable<T>(
  rules: readonly Rule<GrpcMatch, T>[],
): RouteTable<T> {
  return new RouteTable(listClaims(rules, EVERY_CALL, grpcDemands));
}

/** The routes of a policy, made ready to be found; see `PathTable` for their order, in which hosts come first. */
export class RouteTable<T> {
  /** False when there is a claim of which nobody knows what it means. */
  readonly sure: boolean;
  /** Set when every request is claimed by this one. */
  private readonly only: Claim<T> | null;
  private readonly byHost = new Map<string, PathTable<T>>();
  private readonly bySuffix = new Map<string, PathTable<T>>();
  private readonly longestSuffix: number;
  private readonly anyHost: PathTable<T>;
  private readonly asksHost: boolean;
  private readonly asksParams: boolean;
  private subject: Subject | null = null;

  constructor(listed: readonly Listed<T>[]) {
    const hosted = new Map<string, Claim<T>[]>();
    const claims = listed.map(({ claim }) => claim);
    for (const { hosts, claim } of listed) {
      // A star stands for any host: no host has one.
      for (const host of hosts.length === 0 ? ["*"] : hosts) {
        const others = hosted.get(host);
        if (others === undefined) hosted.set(host, [claim]);
        else others.push(claim);
      }
    }
    this.sure = claims.every(({ sure }) => sure);
    this.anyHost = new PathTable(hosted.get("*") ?? []);
    hosted.delete("*");
    this.asksHost = hosted.size > 0;
    this.asksParams = claims.some(({ demand }) => demand.params.length > 0);
    let longest = 0;
    for (const [host, of] of hosted) {
      const isSuffix = host.startsWith(".");
      (isSuffix ? this.bySuffix : this.byHost).set(host, new PathTable(of));
      if (isSuffix) longest = Math.max(longest, host.length);
    }
    this.longestSuffix = longest;
    const [only] = claims;
    this.only = claims.length === 1 && only !== undefined && !this.asksHost &&
        takesAll(only)
      ? only
      : null;
  }

  /** The best claim to a request as it is; null: it has no route. */
  find(head: RequestHead): Claim<T> | null {
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
    claim: Claim<T>,
    permits: (claim: Claim<T> | null) => boolean,
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

  private search(subject: Subject): Claim<T> | null {
    const { host } = subject;
    if (host !== null) {
      const claim = this.byHost.get(host)?.find(subject) ?? null;
      if (claim !== null) return claim;
      if (this.longestSuffix > 0) return this.searchSuffix(host, subject);
    }
    return this.anyHost.find(subject);
  }

  /** From the longest suffix a host has to the shortest, one at each dot. */
  private searchSuffix(host: string, subject: Subject): Claim<T> | null {
    const from = Math.max(1, host.length - this.longestSuffix);
    for (let at = host.indexOf(".", from); at > 0;) {
      const claim = this.bySuffix.get(host.slice(at))?.find(subject) ?? null;
      if (claim !== null) return claim;
      at = host.indexOf(".", at + 1);
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

function takesAll({ path, demand }: Claim<unknown>): boolean {
  return (path.kind === "any" ||
    path.kind === "prefix" && path.octets.length === 0) &&
    demand.method === null && demand.call === null &&
    demand.headers.length === 0 && demand.params.length === 0;
}

interface Listed<T> {
  readonly hosts: readonly string[];
  readonly claim: Claim<T>;
}

type Demands = { readonly path: PathDemand; readonly demand: Demand };

function listClaims<M, T>(
  rules: readonly Rule<M, T>[],
  all: M,
  demandsOf: (match: M) => Demands,
): Listed<T>[] {
  return rules.flatMap(({ hosts, matches, payload }) => {
    const names = hosts.map((match) =>
      (match.kind === "exact" ? match.host : match.suffix).toLowerCase()
    );
    return (matches.length === 0 ? [all] : matches).map((match): Listed<T> => {
      const { path, demand } = demandsOf(match);
      const sure = demand.sure &&
        (path.kind !== "pattern" || path.pattern !== null);
      return { hosts: names, claim: { payload, path, demand, sure } };
    });
  });
}

function httpDemands(match: HttpMatch): Demands {
  const { path } = match;
  return {
    path: path === null ? { kind: "any" } : pathDemand(path),
    demand: httpDemand(match),
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

function grpcDemands(match: GrpcMatch): Demands {
  const { service, method } = match;
  const path: PathDemand = service === null
    ? { kind: "any" }
    : method === null
    ? { kind: "prefix", octets: encoder.encode(`/${service}`) }
    : { kind: "exact", octets: encoder.encode(`/${service}/${method}`) };
  return { path, demand: grpcDemand(match) };
}
