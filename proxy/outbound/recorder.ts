import type { SocketAddress } from "../../schemas/address.ts";
import type { Backend } from "../../schemas/client-policy.ts";
import type { Meta } from "../../schemas/policy.ts";
import type { Problem } from "../../schemas/problem.ts";
import type { BalancerEvents } from "../balance.ts";
import type { QueueOptions } from "../balance/failfast.ts";
import { countOne } from "../record.ts";
import { type BalancerFamilies, balancerSeries } from "../record/balancer.ts";
import type { Families } from "../record/families.ts";
import { backendLabels, joinLabels, parentLabels } from "../record/labels.ts";
import { createNames } from "../record/names.ts";
import {
  type OutboundError,
  outboundErrorLabels,
  tcpBalancerLabels,
  tlsBalancerLabels,
} from "../record/outbound.ts";
import { recordTarget, type TargetRecorder } from "./target-recorder.ts";

/** What the outbound side counts, in its own words. */
export interface OutboundRecorder {
  /** Connections that were meant for one address, of an ingress or not; release it. */
  target(address: SocketAddress, ingress?: boolean): TargetRecorder;
  httpError(problem: Problem): void;
  tcpError(problem: Problem, address: SocketAddress): void;
  httpBalancer(
    parent: Meta,
    backend: Backend,
    queue: QueueOptions,
  ): BalancerEvents;
  tcpBalancer(backend: Backend, queue: QueueOptions): BalancerEvents;
  tlsBalancer(backend: Backend, queue: QueueOptions): BalancerEvents;
}

const ERRORS: Readonly<Partial<Record<Problem["code"], OutboundError>>> = {
  "failfast": "failfast",
  "loadshed": "loadshed",
  "connect.failed": "i/o",
  "connect.timeout": "i/o",
  "tls.refused": "identity required",
  "timeout.request": "response timeout",
  "timeout.response": "response timeout",
  "timeout.idle": "response timeout",
  "timeout.attempt": "response timeout",
};

export function createOutboundRecorder(families: Families): OutboundRecorder {
  const { outbound } = families;
  const names = createNames(outbound.tlsRoutes.opened);
  return {
    target: (address, ingress = false) =>
      recordTarget(families, address, names, ingress),
    httpError: (problem) =>
      countOne(
        outbound.httpErrors,
        outboundErrorLabels(ERRORS[problem.code] ?? "unexpected", null),
      ),
    tcpError: (problem, address) =>
      countOne(
        outbound.tcpErrors,
        outboundErrorLabels(ERRORS[problem.code] ?? "unexpected", address),
      ),
    httpBalancer: (parent, { meta }, queue) =>
      recordBalancer(
        outbound.httpBalancer,
        joinLabels(parentLabels(parent), backendLabels(meta)),
        queue,
      ),
    tlsBalancer: (backend, queue) =>
      recordBalancer(
        outbound.tlsBalancer,
        tlsBalancerLabels(pathOf(backend)),
        queue,
      ),
    tcpBalancer(backend, queue) {
      const path = pathOf(backend);
      return recordBalancer(
        outbound.tcpBalancer,
        tcpBalancerLabels(path, path),
        queue,
      );
    },
  };
}

function pathOf(backend: Backend): string {
  return backend.kind === "balancer" ? backend.path : "";
}

function recordBalancer(
  families: BalancerFamilies,
  labels: string,
  queue: QueueOptions,
): BalancerEvents {
  const series = balancerSeries(families, labels);
  series.gateTimeout.value = queue.failfastMs / 1_000;
  // Differences, because balancers of one Service share their gauges: one for each address that it is reached by.
  let known = { ready: 0, pending: 0 };
  let waiting = 0;
  return {
    endpoints(now) {
      const ready = now.ready - known.ready;
      const pending = now.pending - known.pending;
      series.ready.value += ready;
      series.pending.value += pending;
      series.known.value += ready + pending;
      known = now;
    },
    updated({ added, removed }) {
      series.adds.value += added;
      series.removes.value += removed;
    },
    gate(open) {
      (open ? series.gateOpened : series.gateShut).value += 1;
      (open ? series.gateOpenedAt : series.gateShutAt).value = Date.now() /
        1_000;
    },
    queued(length) {
      series.queueLength.value += length - waiting;
      waiting = length;
    },
    served(waitedMs) {
      series.queueRequests.value += 1;
      series.queueSeconds.observe(waitedMs / 1_000);
    },
    close: series.release,
  };
}
