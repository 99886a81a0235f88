import { type Caller, isNamed } from "../authorize.ts";
import { PeakEwma } from "../balance/peak-ewma.ts";
import { noteAnswer } from "../detect/either-side.ts";
import type { Direction, InFlight, Lane, Passage, Way } from "../direction.ts";
import { ONCE } from "../forward/terms.ts";
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
import { UNSENT } from "../http/unsent.ts";
import { classify } from "../record/classify.ts";
import type { HttpRecorder } from "../record/http.ts";
import { FROM_HERE, type Sight } from "../tap/sight.ts";
import type { App } from "./apps.ts";
import type { Port } from "./ports.ts";
import type { Profiles, ServedRoute } from "./profiles.ts";
import type { Counted, Exchanges, InboundRecorder } from "./recorder.ts";

const ANY_PATH = { kind: "any" } as const;

export const CLIENT_ID = Name.of("l5d-client-id");

/** What requests of a connection are carried with. */
export interface DirectionOptions {
  readonly app: App;
  readonly port: Port;
  readonly caller: Caller;
  readonly recorder: InboundRecorder;
  /** Set when requests are counted by the routes of ServiceProfiles. */
  readonly profiles?: Profiles | undefined;
  readonly inFlight: InFlight;
  readonly early: Early;
  /** Set when requests can be tapped. */
  readonly sight?: Sight | undefined;
}

/** How permitted requests of a connection get to the application, under one route and authorization. */
export function directionTo(
  options: DirectionOptions,
  counted: Counted,
  { http, metrics }: {
    readonly http: HttpRecorder;
    readonly metrics: Exchanges;
  },
  idField: Field | null,
): Direction {
  const { app, port, caller, recorder, profiles, inFlight, early } = options;
  const upstream = {
    endpoint: { identity: null },
    peer: { address: app.address, labels: null, tls: FROM_HERE },
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
    outcome: () => false,
    close() {},
  };
  // One application, and the route's filters have been applied: every request goes the same way.
  const lane: Lane = {
    place: "",
    closed: false,
    ready: true,
    pick: () => upstream,
    at: () => upstream,
    wait: (waiter) => waiter.use(upstream),
    withdraw() {},
    filters: null,
    metrics,
  };
  const payload: Passage = {
    labels: null,
    choose: () => lane,
    filters: null,
    terms: () => ONCE,
    judge: classify,
    metrics: () => metrics,
  };
  const way: Way = { payload, path: ANY_PATH };
  /** Requests for a Service with a profile are judged and counted by its routes, too. */
  const profiled = new WeakMap<ServedRoute, Way>();
  const wayBy = (route: ServedRoute): Way => {
    let known = profiled.get(route);
    if (known === undefined) {
      const { judge, finished, labels } = route;
      const both = { ...metrics, finished };
      known = {
        payload: { ...payload, judge, labels, metrics: () => both },
        path: ANY_PATH,
      };
      profiled.set(route, known);
    }
    return known;
  };
  return {
    route(head) {
      const route = profiles?.routeOf(head) ?? null;
      return route === null ? way : wayBy(route);
    },
    toUpstream: (head) => toApplication(head, idField),
    toClient(head, request) {
      noteAnswer(port.habits, head.status);
      dropFields(head.fields, UNSENT);
      const orig = origProto(request);
      if (orig !== null) markResponse(head, orig);
    },
    // Only a client that proved who it is learns why something failed (facts 4.14).
    informational: isNamed(caller),
    tellsUnsent: isNamed(caller),
    failed: (problem) => recorder.httpError(problem, counted),
    sight: options.sight ?? null,
    inFlight,
  };
}

/** What tells applications who calls; null when nobody has proved it. */
export function clientIdField(clientId: string | null): Field | null {
  if (clientId === null) return null;
  const field = new Field(CLIENT_ID, new TextEncoder().encode(clientId));
  field.repeated = true;
  return field;
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
