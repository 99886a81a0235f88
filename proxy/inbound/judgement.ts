import {
  authorize,
  type Caller,
  type Decision,
  isAudit,
} from "../authorize.ts";
import type { Direction } from "../direction.ts";
import type { Field } from "../http/field.ts";
import type { RequestHead } from "../http/message.ts";
import type { Enforcement } from "../policy/enforcement.ts";
import type { Route, Ruling } from "../policy/inbound-routes.ts";
import type { HttpRecorder } from "../record/http.ts";
import type { Series } from "../record/series.ts";
import type { Claim as AnyClaim } from "../route/path-table.ts";
import { type DirectionOptions, directionTo } from "./direction.ts";
import type { Counted, Exchanges } from "./recorder.ts";
import type { Refusal } from "./refusal.ts";

export type Claim = AnyClaim<Ruling>;

/** What a policy says of a connection, worked out route by route as requests come. */
export interface Judgement {
  readonly enforcement: Enforcement;
  readonly counted: Counted;
  passageOf(route: Route): Passage;
  /** Whether a claim's request may pass, however an application reads it. */
  permits(claim: Claim, head: RequestHead): boolean;
  /** Counts a request that may not pass, and says why. */
  deny(claim: Claim): Refusal;
  /** How requests pass by an authorization; null: the name that they ask for is not told apart. */
  readyFor(
    passage: Passage,
    by: Route["meta"],
    authority: string | null,
  ): Ready;
  release(): void;
}

/** A connection's requests on one route. */
export interface Passage {
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

/** What requests that may pass are counted by, and carried by. */
export interface Ready {
  readonly allowed: Series;
  readonly http: HttpRecorder;
  readonly metrics: Exchanges;
  readonly direction: Direction;
}

/** `idField`: tells the application who calls; null: nobody has proved who it is. */
export function createJudgement(
  enforcement: Enforcement,
  counted: Counted,
  options: DirectionOptions,
  idField: Field | null,
): Judgement {
  const { caller, recorder } = options;
  const { routes } = enforcement;
  const passages: (Passage | undefined)[] = [];

  const passageOf = (route: Route): Passage =>
    passages[route.index] ??= judge(enforcement, route, caller);

  const isPermitted = (claim: Claim | null): boolean =>
    claim !== null && claim.sure &&
    passageOf(claim.payload.route).decision.kind === "permit";

  const makeReady = (
    { route: { meta } }: Passage,
    by: Route["meta"],
    authority?: string,
  ): Ready => {
    const http = recorder.requests(counted, meta, by, authority);
    const metrics = recorder.exchanges(counted, meta);
    return {
      allowed: recorder.httpDecisions(counted, meta, by),
      http,
      metrics,
      direction: directionTo(options, counted, { http, metrics }, idField),
    };
  };

  return {
    enforcement,
    counted,
    passageOf,
    permits: (claim, head) =>
      isPermitted(claim) &&
      (!passageOf(claim.payload.route).own && routes.sure ||
        routes.everyReading(head, claim, isPermitted)),
    deny(claim) {
      const passage = passageOf(claim.payload.route);
      const { route, decision } = passage;
      passage.denied ??= recorder.httpDecisions(counted, route.meta, null);
      passage.denied.value += 1;
      const by = !claim.sure
        ? "unknown"
        : decision.kind === "denial"
        ? "authorization"
        : "reading";
      return { kind: "denied", route, by };
    },
    readyFor(passage, by, authority) {
      if (authority === null) return passage.ready ??= makeReady(passage, by);
      const named = passage.named ??= new Map<string, Ready>();
      let ready = named.get(authority);
      if (ready === undefined) {
        ready = makeReady(passage, by, authority);
        named.set(authority, ready);
      }
      return ready;
    },
    release() {
      for (const passage of passages) release(passage);
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

function release(passage: Passage | undefined): void {
  if (passage === undefined) return;
  passage.denied?.release();
  for (const ready of [passage.ready, ...passage.named?.values() ?? []]) {
    ready?.allowed.release();
    ready?.http.release();
    ready?.metrics.release();
  }
}
