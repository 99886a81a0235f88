import { Problem } from "../../schemas/problem.ts";
import type { Waiter } from "../balance/failfast.ts";
import type { Channel } from "../channel.ts";
import { noteAnswer } from "../detect/either-side.ts";
import type { Upstream } from "../endpoint.ts";
import type { Direction, InFlight } from "../direction.ts";
import { Name } from "../http/field.ts";
import { dropFields, findField } from "../http/fields.ts";
import type { RequestHead } from "../http/message.ts";
import { type Early, leaseEarly } from "../http/early.ts";
import { copyHead, keepRequest, upgradeRequest } from "../http/orig-proto.ts";
import type { OutboundRecorder } from "./recorder.ts";
import type { Target } from "./targets.ts";

export interface DirectionOptions {
  readonly informational: boolean;
  readonly inFlight: InFlight;
  readonly recorder: OutboundRecorder;
}

const REQUIRE_ID = Name.of("l5d-require-id");
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
): Direction {
  return {
    pick: () => target.http().pick(),
    wait: (waiter) => target.http().wait(waiter),
    withdraw: (waiter) => target.http().withdraw(waiter),
    toUpstream(head, upstream) {
      const checked = checkRequiredId(head, upstream);
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
    get metrics() {
      return target.recorder.exchanges;
    },
    inFlight: options.inFlight,
  };
}

/**
 * A direction whose first request goes over a connection that was opened before the client spoke, so that no server sees
 * a connection without a request. It is held against, and counted for, the endpoint that was `reached`: null when that
 * takes no requests.
 */
export function pinFirst(
  direction: Direction,
  early: Early,
  reached: () => Upstream | null,
): Direction {
  let used = false;
  /** The first request, while the connection is being opened for it. */
  let first: Waiter<Upstream> | null = null;
  const settle = (channel: Channel | null) => {
    const waiter = first;
    first = null;
    const upstream = channel === null || waiter === null ? null : reached();
    if (upstream === null) channel?.destroy();
    if (waiter === null) return;
    if (channel === null || upstream === null) direction.wait(waiter);
    else waiter.use(pinned(upstream, channel));
  };
  return {
    ...direction,
    // The first request waits until it is known which endpoint it goes to.
    pick: () => used ? direction.pick() : null,
    wait(waiter) {
      const opening = used ? null : early.take();
      used = true;
      if (opening === null) return direction.wait(waiter);
      first = waiter;
      opening.then(settle, () => settle(null));
    },
    withdraw(waiter) {
      if (waiter === first) first = null;
      else direction.withdraw(waiter);
    },
  };
}

/** An upstream whose one connection is there already; anything wrong with that, and it is as usual. */
function pinned(upstream: Upstream, channel: Channel): Upstream {
  return {
    endpoint: upstream.endpoint,
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
