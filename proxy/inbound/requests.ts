import type { Direction } from "../direction.ts";
import type { RequestHead } from "../http/message.ts";
import type { Route } from "../policy/inbound-routes.ts";
import { applyFilters } from "../route/filter.ts";
import type { Authorities } from "./authorities.ts";
import { clientIdField, type DirectionOptions } from "./direction.ts";
import { createJudgement, type Judgement } from "./judgement.ts";
import type { Counted } from "./recorder.ts";
import type { Refusal } from "./refusal.ts";

/** What carries one connection's requests to an application. */
export interface Requests {
  /** How to forward a request, its head edited as its route wants, or why it may not pass. */
  next(head: RequestHead): Direction | Refusal;
  release(): void;
}

/** The connection, its application and its policy; `release` lets go of the application, and of what came early. */
export interface RequestsOptions extends DirectionOptions {
  readonly connection: Omit<Counted, "server">;
  /** Set when requests are counted by the name they ask for. */
  readonly authorities?: Authorities | undefined;
  /** Hears of requests that are let through only because policy is being tried out (`audit`). */
  readonly audited: (head: RequestHead, route: Route) => void;
  /** Called when policy no longer permits a request that has become a tunnel. */
  readonly revoked: () => void;
}

const NO_ROUTE: Refusal = { kind: "no-route" };

/**
 * Judges the requests of one connection, in the order of the facts 5.2: route, authorization, filters, rate limit. What
 * does not depend on the request is worked out once per route and policy.
 */
export function createRequests(options: RequestsOptions): Requests {
  const { port, caller, recorder } = options;
  const clientId = caller.tls?.id ?? null;
  const idField = clientIdField(clientId);
  let judgement: Judgement | null = null;
  let tunnel: { readonly end: () => void } | null = null;

  const current = (): Judgement => {
    const { enforcement } = port;
    if (judgement?.enforcement === enforcement) return judgement;
    judgement?.release();
    const counted = { ...options.connection, server: enforcement.policy.meta };
    return judgement = createJudgement(enforcement, counted, options, idField);
  };

  /** Watches over what outlives its request. */
  const watch = (head: RequestHead): void => {
    tunnel?.end();
    const end = port.subscribe(() => {
      const { enforcement, counted, permits } = current();
      const claim = enforcement.routes.find(head);
      if (claim !== null && permits(claim, head)) return;
      recorder.terminated(counted);
      options.revoked();
    });
    tunnel = { end };
  };

  return {
    next(head) {
      const { enforcement, counted, passageOf, permits, deny, readyFor } =
        current();
      const claim = enforcement.routes.find(head);
      if (claim === null) {
        recorder.routeNotFound(counted);
        return NO_ROUTE;
      }
      const { route, filters } = claim.payload;
      const passage = passageOf(route);
      const { decision } = passage;
      if (decision.kind === "denial" || !permits(claim, head)) {
        return deny(claim);
      }
      const authority = options.authorities?.of(head) ?? null;
      const { allowed, direction } = readyFor(passage, decision.by, authority);
      allowed.value += 1;
      if (passage.audit) options.audited(head, route);
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
      judgement?.release();
      judgement = null;
      options.early.release();
      options.app.release();
    },
  };
}
