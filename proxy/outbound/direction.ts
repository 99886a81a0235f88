import { Problem } from "../../schemas/problem.ts";
import type { Waiter } from "../balance/failfast.ts";
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
    failed: options.recorder.httpError,
    get metrics() {
      return target.recorder.exchanges;
    },
    inFlight: options.inFlight,
  };
}

/**
 * A direction whose first request goes over a connection that was opened before the client spoke, so that no server sees
 * a connection without a request.
 */
export function pinFirst(direction: Direction, early: Early): Direction {
  let used = false;
  const pin = (upstream: Upstream): Upstream => {
    if (used) return upstream;
    used = true;
    return {
      endpoint: upstream.endpoint,
      load: upstream.load,
      recorder: upstream.recorder,
      ready: true,
      upgrades: () => false,
      acquire(head, fresh, lease) {
        const otherwise = () => upstream.acquire(head, fresh, lease);
        const channel = early.take();
        if (channel === null) otherwise();
        else leaseEarly(channel, head, lease, otherwise);
      },
      close() {},
    };
  };
  const waiters = new Map<Waiter<Upstream>, Waiter<Upstream>>();
  return {
    ...direction,
    pick() {
      const upstream = direction.pick();
      return upstream === null ? null : pin(upstream);
    },
    wait(waiter) {
      if (used) return direction.wait(waiter);
      const pinned: Waiter<Upstream> = {
        use(upstream) {
          waiters.delete(waiter);
          waiter.use(pin(upstream));
        },
        refuse(problem) {
          waiters.delete(waiter);
          waiter.refuse(problem);
        },
      };
      waiters.set(waiter, pinned);
      direction.wait(pinned);
    },
    withdraw(waiter) {
      direction.withdraw(waiters.get(waiter) ?? waiter);
      waiters.delete(waiter);
    },
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
