import { authorize, type Caller, type Decision } from "../authorize.ts";
import type { Direction, InFlight } from "../direction.ts";
import type { Early } from "../http/early.ts";
import { Field } from "../http/field.ts";
import type { RequestHead } from "../http/message.ts";
import type { Enforcement } from "../policy/enforcement.ts";
import type { Route, Ruling } from "../policy/inbound-routes.ts";
import type { HttpRecorder } from "../record/http.ts";
import type { Series } from "../record/series.ts";
import { applyFilters } from "../route/filter.ts";
import type { Sight } from "../tap/sight.ts";
import type { Claim as AnyClaim } from "../route/path-table.ts";
import type { App } from "./apps.ts";
import type { Authorities } from "./authorities.ts";
import { CLIENT_ID, directionTo } from "./direction.ts";
import type { Port } from "./ports.ts";
import type { Profiles } from "./profiles.ts";
import type { Counted, Exchanges, InboundRecorder } from "./recorder.ts";
import type { Refusal } from "./refusal.ts";

type Claim = AnyClaim<Ruling>;

/** What carries one connection's requests to an application. */
export interface Requests {
  /** How to forward a request, its head edited as its route wants, or why it may not pass. */
  next(head: RequestHead): Direction | Refusal;
  release(): void;
}

export interface RequestsOptions {
  /** Taken for these requests; `release` lets go of it. */
  readonly app: App;
  readonly port: Port;
  readonly caller: Caller;
  readonly connection: Omit<Counted, "server">;
  readonly recorder: InboundRecorder;
  /** Set when requests are counted by the name they ask for. */
  readonly authorities?: Authorities | undefined;
  /** Set when requests are counted by the routes of ServiceProfiles. */
  readonly profiles?: Profiles | undefined;
  readonly inFlight: InFlight;
  readonly early: Early;
  /** Set when requests can be tapped. */
  readonly sight?: Sight | undefined;
  /** Hears of requests that are let through only because policy is being tried out (`audit`). */
  readonly audited: (head: RequestHead, route: Route) => void;
  /** Called when policy no longer permits a request that has become a tunnel. */
  readonly revoked: () => void;
}

/** What a policy says of a connection, worked out route by route as requests come. */
interface Judgement {
  readonly enforcement: Enforcement;
  readonly counted: Counted;
  readonly passages: (Passage | undefined)[];
}

/** A connection's requests on one route. */
interface Passage {
  readonly route: Route;
  readonly decision: Decision;
  /** True when only the route's own authorizations permit: how its path is read then matters. */
  readonly own: boolean;
  readonly audit: boolean;
  denied: Series | null;
  ready: Ready | null;
  /** The same for each name that is asked for, when they are counted apart. */
  named: Map<string, Ready> | null;
}

interface Ready {
  readonly allowed: Series;
  readonly http: HttpRecorder;
  readonly metrics: Exchanges;
  readonly direction: Direction;
}

const NO_ROUTE: Refusal = { kind: "no-route" };

/**
 * Judges the requests of one connection, in the order of the facts 5.2: route, authorization, filters, rate limit. What
 * does not depend on the request is worked out once per route and policy.
 */
export function createRequests(options: RequestsOptions): Requests {
  const { port, caller, recorder } = options;
  const clientId = caller.tls?.id ?? null;
  const idField = clientId === null
    ? null
    : new Field(CLIENT_ID, new TextEncoder().encode(clientId));
  if (idField !== null) idField.repeated = true;
  let judgement: Judgement | null = null;
  let tunnel: { readonly end: () => void } | null = null;

  const current = (): Judgement => {
    const { enforcement } = port;
    if (judgement?.enforcement === enforcement) return judgement;
    forget();
    const server = enforcement.policy.meta;
    return judgement = {
      enforcement,
      counted: { ...options.connection, server },
      passages: [],
    };
  };
  const passageOf = (route: Route): Passage => {
    const { enforcement, passages } = current();
    return passages[route.index] ??= judge(enforcement, route, caller);
  };
  const forget = () => {
    for (const passage of judgement?.passages ?? []) release(passage);
    judgement = null;
  };
  const isPermitted = (claim: Claim | null): boolean =>
    claim !== null && claim.sure &&
    passageOf(claim.payload.route).decision.kind === "permit";
  /** Whether a claim's request may pass, however an application reads it. */
  const permits = (claim: Claim, head: RequestHead): boolean => {
    const { routes } = current().enforcement;
    return isPermitted(claim) &&
      (!passageOf(claim.payload.route).own && routes.sure ||
        routes.everyReading(head, claim, isPermitted));
  };
  const readyFor = (
    passage: Passage,
    by: Passage["route"]["meta"],
    authority: string | null,
  ): Ready => {
    if (authority === null) return passage.ready ??= makeReady(passage, by);
    const named = passage.named ??= new Map<string, Ready>();
    let ready = named.get(authority);
    if (ready === undefined) {
      ready = makeReady(passage, by, authority);
      named.set(authority, ready);
    }
    return ready;
  };
  const makeReady = (
    passage: Passage,
    by: Passage["route"]["meta"],
    authority?: string,
  ): Ready => {
    const { counted } = current();
    const { meta } = passage.route;
    const http = recorder.requests(counted, meta, by, authority);
    const metrics = recorder.exchanges(counted, meta);
    return {
      allowed: recorder.httpDecisions(counted, meta, by),
      http,
      metrics,
      direction: directionTo(options, counted, { http, metrics }, idField),
    };
  };
  const deny = (claim: Claim): Refusal => {
    const passage = passageOf(claim.payload.route);
    passage.denied ??= recorder.httpDecisions(
      current().counted,
      passage.route.meta,
      null,
    );
    passage.denied.value += 1;
    const by = !claim.sure
      ? "unknown"
      : passage.decision.kind === "denial"
      ? "authorization"
      : "reading";
    return { kind: "denied", route: passage.route, by };
  };
  /** Watches over what outlives its request. */
  const watch = (head: RequestHead): void => {
    tunnel?.end();
    const end = port.subscribe(() => {
      const claim = port.enforcement.routes.find(head);
      if (claim !== null && permits(claim, head)) return;
      recorder.terminated(current().counted);
      options.revoked();
    });
    tunnel = { end };
  };

  return {
    next(head) {
      const { enforcement, counted } = current();
      const claim = enforcement.routes.find(head);
      if (claim === null) {
        recorder.routeNotFound(counted);
        return NO_ROUTE;
      }
      const passage = passageOf(claim.payload.route);
      const { decision } = passage;
      if (decision.kind === "denial" || !permits(claim, head)) {
        return deny(claim);
      }
      const authority = options.authorities?.of(head) ?? null;
      const { allowed, direction } = readyFor(passage, decision.by, authority);
      allowed.value += 1;
      if (passage.audit) options.audited(head, claim.payload.route);
      const { filters } = claim.payload;
      if (filters !== null) {
        const answer = applyFilters(filters, claim, head, Math.random);
        if (answer !== null) return { kind: "filtered", answer };
      }
      const { limiter } = enforcement;
      const scope = limiter?.admit(clientId, performance.now()) ?? null;
      if (limiter !== null && scope !== null) {
        recorder.limited(counted, limiter.limit.meta, scope);
        return { kind: "limited", scope };
      }
      // HTTP/2 makes no tunnels here, and carries other requests beside.
      if (head.upgrade && head.version !== "2") watch(head);
      return direction;
    },
    release() {
      tunnel?.end();
      forget();
      options.early.release();
      options.app.release();
    },
  };
}

function judge(
  { policy }: Enforcement,
  route: Route,
  caller: Caller,
): Passage {
  const everywhere = authorize(policy, caller);
  const here = authorize(route, caller);
  const decision = here.kind === "permit" ? here : everywhere;
  return {
    route,
    decision,
    own: everywhere.kind === "denial",
    audit: decision.kind === "permit" && isAudit(decision.by),
    denied: null,
    ready: null,
    named: null,
  };
}

/** Whether an authorization is that of audit mode, which permits everything and has it written down (facts 5.2). */
export function isAudit(
  { kind, name }: { readonly kind: string; readonly name: string },
): boolean {
  return kind === "default" && name === "audit";
}

function release(passage: Passage | undefined): void {
  if (passage === undefined) return;
  passage.denied?.release();
  for (const ready of [passage.ready, ...passage.named?.values() ?? []]) {
    ready?.allowed.release();
    ready?.http.release();
    ready?.metrics.release();
  }
}
