import type { SocketAddress } from "../../schemas/address.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Waiter } from "../balance/failfast.ts";
import type { Channel } from "../channel.ts";
import { noteAnswer } from "../detect/either-side.ts";
import type { Upstream } from "../endpoint.ts";
import type { Direction, InFlight, Lane } from "../direction.ts";
import { Name } from "../http/field.ts";
import { dropFields, findField } from "../http/fields.ts";
import type { RequestHead } from "../http/message.ts";
import { type Early, leaseEarly } from "../http/early.ts";
import { copyHead, keepRequest, upgradeRequest } from "../http/orig-proto.ts";
import { nameTarget } from "../http/target.ts";
import { FROM_HERE } from "../tap/sight.ts";
import type { Taps } from "../tap/taps.ts";
import type { OutboundRecorder } from "./recorder.ts";
import type { Target } from "./target.ts";

export interface DirectionOptions {
  readonly informational: boolean;
  readonly inFlight: InFlight;
  readonly recorder: OutboundRecorder;
  /** Set when requests can be tapped. */
  readonly taps?: Taps | undefined;
}

const REQUIRE_ID = Name.of("l5d-require-id");
const CANONICAL = Name.of("l5d-dst-canonical");
/** What another proxy says to us, not to the application (facts 4.4). */
const FOR_PROXIES: readonly Name[] = [
  "l5d-orig-proto",
  "l5d-proxy-error",
  "l5d-proxy-connection",
  "l5d-proxy-unsent",
].map((name) => Name.of(name));

/** How requests to a target are sent on. */
export function createDirection(
  target: Target,
  options: DirectionOptions,
  /** Who sends them; null: not an application here. */
  source: SocketAddress | null = null,
): Direction {
  const { taps } = options;
  return {
    sight: taps === undefined
      ? null
      : { taps, direction: "outbound", source, tls: FROM_HERE },
    route: target.route,
    toUpstream(head, upstream) {
      const checked = overrideAuthority(
        checkRequiredId(head, upstream),
        upstream,
      );
      if (upstream.upgrades(checked)) upgradeRequest(checked);
      else keepRequest(checked);
      return checked;
    },
    toClient(head) {
      noteAnswer(target.habits, head.status);
      for (const name of FOR_PROXIES) dropFields(head.fields, name);
    },
    informational: options.informational,
    tellsUnsent: false,
    failed: options.recorder.httpError,
    inFlight: options.inFlight,
  };
}

/**
 * A direction whose first request goes over a connection that was opened before the client spoke, so that no server sees
 * a connection without a request. It is held against, and counted for, the endpoint that was `reached`, when that is one
 * that its route may choose; otherwise the connection is given up.
 */
export function pinFirst(
  direction: Direction,
  early: Early,
  reached: () => SocketAddress | null,
): Direction {
  return {
    ...direction,
    route(head) {
      const way = direction.route(head);
      const opening = way instanceof Problem ? null : early.take();
      if (opening === null || way instanceof Problem) return way;
      let lane: Lane | null = pinLane(way.payload.choose(), opening, reached);
      const { payload } = way;
      return {
        path: way.path,
        payload: {
          labels: payload.labels,
          filters: payload.filters,
          terms: (head) => payload.terms(head),
          judge: payload.judge,
          metrics: (head) => payload.metrics(head),
          choose() {
            const first = lane;
            lane = null;
            return first ?? payload.choose();
          },
        },
      };
    },
  };
}

/** A lane whose first upstream is the one that `opening` leads to; nobody is picked until it is known. */
function pinLane(
  lane: Lane,
  opening: Promise<Channel>,
  reached: () => SocketAddress | null,
): Lane {
  /** The request, while the connection is being opened for it. */
  let first: Waiter<Upstream> | null = null;
  let used = false;
  const settle = (channel: Channel | null) => {
    const address = channel === null ? null : reached();
    const upstream = first === null || address === null
      ? null
      : lane.at(address);
    if (upstream === null) channel?.destroy();
    const waiter = first;
    first = null;
    if (waiter === null) return;
    if (channel === null || upstream === null) lane.wait(waiter);
    else waiter.use(pinned(upstream, channel));
  };
  return {
    get closed() {
      return lane.closed;
    },
    get ready() {
      return lane.ready;
    },
    place: lane.place,
    filters: lane.filters,
    metrics: lane.metrics,
    pick: () => used ? lane.pick() : null,
    at: (address) => lane.at(address),
    wait(waiter) {
      if (used) return lane.wait(waiter);
      used = true;
      first = waiter;
      opening.then(settle, () => settle(null));
    },
    withdraw(waiter) {
      if (waiter === first) first = null;
      else lane.withdraw(waiter);
    },
  };
}

/** An upstream whose one connection is there already; anything wrong with that, and it is as usual. */
function pinned(upstream: Upstream, channel: Channel): Upstream {
  return {
    endpoint: upstream.endpoint,
    peer: upstream.peer,
    load: upstream.load,
    recorder: upstream.recorder,
    ready: true,
    upgrades: () => false,
    acquire(head, fresh, lease) {
      const otherwise = () => upstream.acquire(head, fresh, lease);
      leaseEarly(Promise.resolve(channel), head, lease, otherwise);
    },
    outcome: (outcome) => upstream.outcome(outcome),
    close() {},
  };
}

/** `l5d-require-id` names the only identity that may get the request; it is not passed on. */
function checkRequiredId(head: RequestHead, upstream: Upstream): RequestHead {
  const required = findField(head.fields, REQUIRE_ID);
  if (required === null) return head;
  const found = upstream.endpoint.identity?.id ?? "";
  if (required.text !== found) {
    throw new Problem(
      "tls.refused",
      `required id ${required.text}; found ${found === "" ? "none" : found}`,
    );
  }
  // A copy, for another endpoint may have to be held against it as well.
  return copyHead(
    head,
    head.fields.filter(({ name }) => name !== REQUIRE_ID),
  );
}

/** A gateway is asked for what is behind it, under its name there (facts 4.5). */
function overrideAuthority(head: RequestHead, upstream: Upstream): RequestHead {
  const override = upstream.endpoint.authorityOverride ?? null;
  if (override === null) return head;
  // A copy, for another endpoint may be no gateway.
  const copy = copyHead(
    head,
    head.fields.filter(({ name }) => name !== CANONICAL),
  );
  nameTarget(copy, override);
  return copy;
}
