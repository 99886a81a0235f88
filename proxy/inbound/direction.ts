import type { ServerMeta } from "../../schemas/policy.ts";
import { Problem } from "../../schemas/problem.ts";
import { authorize, type Caller, isNamed } from "../authorize.ts";
import { PeakEwma } from "../balance/peak-ewma.ts";
import { noteAnswer } from "../detect/either-side.ts";
import type { Direction, ExchangeMetrics, InFlight } from "../direction.ts";
import { type Early, leaseEarly } from "../http/early.ts";
import { Field, Name } from "../http/field.ts";
import { dropFields, setField } from "../http/fields.ts";
import type { Lease } from "../http/http1-pool.ts";
import type { RequestHead } from "../http/message.ts";
import {
  downgradeRequest,
  markResponse,
  origProto,
} from "../http/orig-proto.ts";
import type { HttpRecorder } from "../record/http.ts";
import type { Series } from "../record/series.ts";
import type { App } from "./apps.ts";
import type { Port } from "./ports.ts";
import type { Counted, InboundRecorder } from "./recorder.ts";

/** What carries one connection's requests to an application. */
export interface Requests {
  /** How to forward the next request, or why it may not be: decided anew whenever policy changes. */
  next(): Direction | Problem;
  release(): void;
}

export interface RequestsOptions {
  /** Taken for these requests; `release` lets go of it. */
  readonly app: App;
  readonly port: Port;
  readonly caller: Caller;
  readonly connection: Omit<Counted, "server">;
  readonly recorder: InboundRecorder;
  readonly inFlight: InFlight;
  readonly early: Early;
}

const CLIENT_ID = Name.of("l5d-client-id");
const DENIED = new Problem("forbidden", "unauthorized request on route");

/** Authorizes and forwards the requests of one connection. */
export function createRequests(options: RequestsOptions): Requests {
  const { port, caller, recorder } = options;
  const clientId = caller.tls?.id ?? null;
  const idField = clientId === null
    ? null
    : new Field(CLIENT_ID, new TextEncoder().encode(clientId));
  if (idField !== null) idField.repeated = true;
  let decided: {
    readonly policy: unknown;
    readonly decisions: Series;
    readonly outcome: Ready | null;
  } | null = null;

  const forget = () => {
    decided?.decisions.release();
    decided?.outcome?.http.release();
    decided?.outcome?.direction.metrics.release();
    decided = null;
  };
  const decide = () => {
    const { policy } = port;
    if (decided?.policy === policy) return decided;
    forget();
    const counted: Counted = { ...options.connection, server: policy.meta };
    const decision = authorize(policy, caller);
    const by = decision.kind === "permit" ? decision.by : null;
    const decisions = recorder.httpDecisions(counted, by);
    const outcome = by === null ? null : ready(counted, by);
    return decided = { policy, decisions, outcome };
  };
  const ready = (counted: Counted, by: ServerMeta): Ready => {
    const http = recorder.requests(counted, by);
    return {
      http,
      direction: directionTo(options, counted, http, idField),
    };
  };

  return {
    next() {
      const { decisions, outcome } = decide();
      decisions.value += 1;
      return outcome === null ? DENIED : outcome.direction;
    },
    release() {
      forget();
      options.early.release();
      options.app.release();
    },
  };
}

interface Ready {
  readonly http: HttpRecorder;
  readonly direction: Direction;
}

function directionTo(
  { app, port, caller, recorder, inFlight, early }: RequestsOptions,
  counted: Counted,
  http: HttpRecorder,
  idField: Field | null,
): Direction {
  const metrics: ExchangeMetrics = recorder.exchanges(counted);
  const upstream = {
    endpoint: { identity: null },
    // One application is not balanced: its load is nobody's concern.
    load: new PeakEwma(0, 1, 0),
    recorder: http,
    ready: true,
    upgrades: () => false,
    acquire(head: RequestHead, fresh: boolean, lease: Lease) {
      const channel = early.take();
      if (channel === null) acquire(app, head, fresh, lease);
      else {
        const otherwise = () => acquire(app, head, fresh, lease);
        leaseEarly(channel, head, lease, otherwise);
      }
    },
    close() {},
  };
  return {
    pick: () => upstream,
    wait: (waiter) => waiter.use(upstream),
    withdraw() {},
    toUpstream: (head) => toApplication(head, idField),
    toClient(head, request) {
      noteAnswer(port.habits, head.status);
      const orig = origProto(request);
      if (orig !== null) markResponse(head, orig);
    },
    // Only a client that proved who it is learns why something failed (facts 4.14).
    informational: isNamed(caller),
    failed: (problem) => recorder.httpError(problem, counted),
    metrics,
    inFlight,
  };
}

function acquire(
  app: App,
  head: RequestHead,
  fresh: boolean,
  lease: Lease,
): void {
  if (head.version === "2") app.http2.acquire(lease);
  else if (fresh) app.http1.acquireFresh(lease);
  else app.http1.acquire(lease);
}

/**
 * Makes a request what the application gets: HTTP/1 again if it was, and with `l5d-client-id` saying who called. Whatever
 * a client claims there is removed, what TLS proved is added.
 */
function toApplication(head: RequestHead, idField: Field | null): RequestHead {
  if (idField === null) dropFields(head.fields, CLIENT_ID);
  else setField(head.fields, idField);
  const orig = head.version === "2" ? origProto(head) : null;
  if (orig !== null) downgradeRequest(head, orig);
  return head;
}
