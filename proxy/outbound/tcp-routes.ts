import type {
  OpaqueRoute,
  RouteBackend,
  TcpFilter,
  TcpRule,
  TlsRoute,
} from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { HostMatch } from "../../schemas/route.ts";
import { Problem } from "../../schemas/problem.ts";
import { describeMeta } from "../wire/common.ts";
import { refuseAll, type Upstreams } from "./backend.ts";
import type { Backends } from "./backends.ts";
import { createChooser } from "./distribution.ts";
import type { TcpUpstream } from "./tcp-upstream.ts";

/** Which way connections of unparsed bytes take. */
export interface TcpWay {
  /** Of the route, for metrics. */
  readonly meta: Meta;
  /** Where an attempt goes. */
  choose(): Upstreams<TcpUpstream>;
}

/** The routes of a policy for unparsed bytes, live; release them. */
export interface TcpRoutes {
  /** By the server name of a ClientHello; null for bytes that have none. */
  find(sni: string | null): TcpWay;
  release(): void;
}

export interface TcpRoutesOptions {
  readonly backends: Backends<TcpUpstream>;
  readonly random: () => number;
}

/** Makes the one route of an opaque port live. */
export function openOpaqueRoute(
  { meta, rule }: OpaqueRoute,
  parent: Meta,
  options: TcpRoutesOptions,
): TcpRoutes {
  const held: Upstreams<TcpUpstream>[] = [];
  const way = openWay(meta, rule, parent, options, held);
  return { find: () => way, release: () => close(held) };
}

/** Makes routes by server name live: of those that take a name the most exact, and then the first. */
export function openTlsRoutes(
  routes: readonly TlsRoute[],
  parent: Meta,
  options: TcpRoutesOptions,
): TcpRoutes {
  const held: Upstreams<TcpUpstream>[] = [];
  const exact = new Map<string, TcpWay>();
  const suffixes = new Map<string, TcpWay>();
  let any: TcpWay | null = null;
  for (const { meta, snis, rule } of routes) {
    const way = openWay(meta, rule, parent, options, held);
    if (snis.length === 0) any ??= way;
    for (const sni of snis) {
      const [names, name] = placeOf(sni, exact, suffixes);
      if (!names.has(name)) names.set(name, way);
    }
  }
  const none = refusing(parent, noRoute(parent));
  return {
    find(sni) {
      const name = sni?.toLowerCase() ?? "";
      return exact.get(name) ?? bySuffix(suffixes, name) ?? any ?? none;
    },
    release: () => close(held),
  };
}

function placeOf(
  match: HostMatch,
  exact: Map<string, TcpWay>,
  suffixes: Map<string, TcpWay>,
): [Map<string, TcpWay>, string] {
  return match.kind === "exact"
    ? [exact, match.host.toLowerCase()]
    : [suffixes, match.suffix.toLowerCase()];
}

/** The longest suffix, from dot to dot. */
function bySuffix(
  suffixes: ReadonlyMap<string, TcpWay>,
  name: string,
): TcpWay | null {
  for (let at = name.indexOf(".", 1); at > 0; at = name.indexOf(".", at + 1)) {
    const way = suffixes.get(name.slice(at));
    if (way !== undefined) return way;
  }
  return null;
}

function openWay(
  meta: Meta,
  rule: TcpRule | null,
  parent: Meta,
  { backends, random }: TcpRoutesOptions,
  held: Upstreams<TcpUpstream>[],
): TcpWay {
  if (rule === null) return refusing(meta, noRoute(meta));
  const [filter] = rule.filters;
  if (filter !== undefined) {
    return refusing(meta, refusalOf(filter, meta, "manifest.invalid"));
  }
  const open = ({ backend, filters: [filter] }: RouteBackend<TcpFilter>) => {
    if (filter !== undefined) {
      return refuseAll<TcpUpstream>(
        refusalOf(filter, backend.meta, "backend.missing"),
      );
    }
    const shared = backends.take(backend, null, parent);
    held.push(shared);
    return shared;
  };
  const nobody = () =>
    new Problem(
      "backend.missing",
      `${describeMeta(meta)} sends this connection to nobody`,
      { hint: "a rule without backends, or with weights of 0 alone, has none" },
    );
  const { kind, backends: listed } = rule.backends;
  const choose = createChooser<Upstreams<TcpUpstream>>(
    kind,
    listed.map((one) => ({ choice: open(one), weight: one.weight })),
    () => refuseAll(nobody()),
    random,
  );
  return { meta, choose };
}

/** A way that leads nowhere. */
export function refusing(meta: Meta, problem: Problem): TcpWay {
  const upstreams = refuseAll<TcpUpstream>(problem);
  return { meta, choose: () => upstreams };
}

function refusalOf(
  filter: TcpFilter,
  meta: Meta,
  invalid: "manifest.invalid" | "backend.missing",
): Problem {
  return filter.kind === "forbidden"
    ? new Problem("forbidden", `${describeMeta(meta)} forbids this connection`)
    : new Problem(invalid, filter.message);
}

function noRoute(meta: Meta): Problem {
  return new Problem(
    "forbidden",
    `${describeMeta(meta)} has no route for this connection`,
  );
}

function close(held: readonly Upstreams<TcpUpstream>[]): void {
  for (const one of held) one.close();
}
