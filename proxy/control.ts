import type { SocketAddress } from "../schemas/address.ts";
import type { EndpointSet, Profile } from "../schemas/destination.ts";
import type { ClientPolicy } from "../schemas/client-policy.ts";
import type { ServerPolicy } from "../schemas/policy.ts";
import { describe } from "../schemas/problem.ts";
import { type Absence, createAbsence } from "./control/absence.ts";
import type { ControlClient } from "./control/client.ts";
import type { Log } from "./control/connector.ts";
import { createEndpointFold } from "./control/endpoint-fold.ts";
import type { Memory, Shape, Snapshot } from "./control/snapshot.ts";
import { keepWatching, type Watch } from "./control/watch.ts";
import { formatCode, type GrpcStatus, StatusCode } from "./grpc/status.ts";
import {
  decodeOutboundPolicy,
  encodeTrafficSpec,
} from "./wire/outbound-policy.ts";
import type { Notices } from "./wire/common.ts";
import {
  decodeProfile,
  decodeUpdate,
  encodeGetDestination,
} from "./wire/destination.ts";
import { decodeServerPolicy, encodePortSpec } from "./wire/server-policy.ts";

/** Hears what the control plane knows of one thing, as complete values. */
export interface Observer<T> {
  /** The newest state; it holds, whatever happens to the control plane, until another comes. */
  next(snapshot: T): void;
  /**
   * The control plane will not say, and why. Told at most once between snapshots; only policy may still send a snapshot
   * afterwards (of a Service made later).
   */
  refused(reason: string): void;
}

/** The control plane as the proxy uses it. Every watch survives broken connections until it is closed. */
export interface Control {
  /** Endpoints of `host:port`; the first snapshot comes with the first endpoints known. */
  watchEndpoints(path: string, observer: Observer<EndpointSet>): Watch;
  /** Profile of `ip:port` or `host:port`. */
  watchProfile(path: string, observer: Observer<Profile>): Watch;
  /** For an original destination, or for a name and port. */
  watchClientPolicy(
    target: SocketAddress | string,
    observer: Observer<ClientPolicy>,
  ): Watch;
  watchServerPolicy(port: number, observer: Observer<ServerPolicy>): Watch;
  /** Closes all watches and connections. */
  close(): void;
}

export interface ControlOptions {
  readonly destination: ControlClient;
  readonly policy: ControlClient;
  /** `POLICY_WORKLOAD`: whose policy is asked for. */
  readonly workload: string;
  /** `DESTINATION_CONTEXT`: who asks for endpoints. */
  readonly context: string;
  /** What was told before, used while the control plane is away. */
  readonly snapshot: Snapshot;
  readonly random: () => number;
  readonly log: Log;
}

/** Times between questions about a target that policy does not know: it may be made later, most likely soon. */
const ASK_AGAIN_MS = { first: 1_000, longest: 30_000 };
/** Distinct notices remembered, so that each is logged once. */
const MAX_NOTICES = 1_000;

type Verdict = "retry" | "final" | number;

interface Service {
  readonly client: ControlClient;
  readonly absence: Absence;
}

function serviceOf(client: ControlClient): Service {
  return { client, absence: createAbsence() };
}

interface Query<T> {
  readonly path: string;
  readonly request: Uint8Array;
  readonly shape: Shape;
  /** What was told before holds from the start on, and a change is kept before it is in force. */
  readonly urgent: boolean;
  readonly observer: Observer<T>;
  readonly read: {
    opened(): void;
    message(bytes: Uint8Array, notices: Notices): T | null;
    /** `known`: a snapshot has been given already. */
    judge(status: GrpcStatus, known: boolean): Verdict;
  };
}

export function createControl(options: ControlOptions): Control {
  const { snapshot } = options;
  const destination = serviceOf(options.destination);
  const policy = serviceOf(options.policy);
  const watches = new Set<Watch>();
  const noticed = new Set<string>();

  function report(notices: Notices, path: string): void {
    for (const notice of notices) {
      if (noticed.has(notice) || noticed.size >= MAX_NOTICES) continue;
      noticed.add(notice);
      options.log("warn", notice, { watch: path });
    }
  }

  function watch<T>(service: Service, query: Query<T>): Watch {
    const { path, request, observer, read } = query;
    const memory = snapshot.open(path, request, query.shape, query.urgent);
    let known = false;
    let refused = false;

    function take(bytes: Uint8Array): T | null {
      const notices: Notices = new Set();
      const value = read.message(bytes, notices);
      report(notices, path);
      return value;
    }

    /** What was told before, perhaps to an earlier start, until the service speaks for itself. */
    function remember(): void {
      const value = recall(
        memory,
        take,
        (error) =>
          options.log("warn", "Ignoring what cannot be read any more", {
            watch: path,
            error: describe(error),
          }),
      );
      read.opened(); // what follows does not continue it
      if (value === null) return;
      known = true;
      observer.next(value);
    }
    if (query.urgent) remember();
    const stopWaiting = query.urgent
      ? () => {}
      : service.absence.whenAway(remember);

    const running = keepWatching({
      client: service.client,
      path,
      request,
      random: options.random,
      log: options.log,
      opened() {
        read.opened();
        memory.begin();
      },
      message(bytes) {
        stopWaiting();
        service.absence.heard();
        const value = take(bytes);
        const goOn = memory.add(bytes);
        if (value === null) return goOn;
        known = true;
        refused = false;
        observer.next(value);
        return goOn;
      },
      judge(status) {
        const verdict = read.judge(status, known);
        if (verdict !== "retry") {
          stopWaiting();
          memory.forget();
        }
        if (verdict !== "retry" && !refused) {
          refused = true;
          observer.refused(`${formatCode(status.code)}: ${status.message}`);
        }
        return verdict;
      },
    });
    const open: Watch = {
      close() {
        stopWaiting();
        watches.delete(open);
        running.close();
      },
    };
    watches.add(open);
    return open;
  }

  return {
    watchEndpoints(path, observer) {
      const fold = createEndpointFold();
      return watch(destination, {
        path: "/io.linkerd.proxy.destination.Destination/Get",
        request: encodeGetDestination(path, options.context),
        shape: "changes",
        urgent: false,
        observer,
        read: {
          opened: fold.opened,
          message: (bytes, notices) => fold.apply(decodeUpdate(bytes, notices)),
          judge: judgeDestination,
        },
      });
    },
    watchProfile(path, observer) {
      return watch(destination, {
        path: "/io.linkerd.proxy.destination.Destination/GetProfile",
        request: encodeGetDestination(path, options.context),
        shape: "whole",
        urgent: false,
        observer,
        read: { opened() {}, message: decodeProfile, judge: judgeDestination },
      });
    },
    watchClientPolicy(target, observer) {
      return watch(policy, {
        path: "/io.linkerd.proxy.outbound.OutboundPolicies/Watch",
        request: encodeTrafficSpec(options.workload, target),
        shape: "whole",
        urgent: false,
        observer,
        read: {
          opened() {},
          message: decodeOutboundPolicy,
          judge: judgeClientPolicy(),
        },
      });
    },
    watchServerPolicy(port, observer) {
      return watch(policy, {
        path: "/io.linkerd.proxy.inbound.InboundServerPolicies/WatchPort",
        request: encodePortSpec(options.workload, port),
        shape: "whole",
        urgent: true,
        observer,
        read: { opened() {}, message: decodeServerPolicy, judge: askAgain },
      });
    },
    close() {
      for (const open of watches) open.close();
      destination.client.close();
      policy.client.close();
      snapshot.close();
    },
  };
}

/** The last value that a memory holds, or null; what cannot be read is forgotten. */
function recall<T>(
  memory: Memory,
  read: (bytes: Uint8Array) => T | null,
  failed: (error: unknown) => void,
): T | null {
  try {
    let value: T | null = null;
    for (const bytes of memory.recall()) value = read(bytes) ?? value;
    return value;
  } catch (error) {
    memory.forget();
    failed(error);
    return null;
  }
}

function askAgain(): Verdict {
  return "retry";
}

/** The two refusals of Destination that mean the question itself is wrong (facts 2.6). */
function judgeDestination({ code }: GrpcStatus): Verdict {
  return code === StatusCode.invalidArgument ||
      code === StatusCode.failedPrecondition
    ? "final"
    : "retry";
}

/**
 * NotFound about a target that was known is more likely a controller that has just started than the end of the target.
 * One that lacks the API will not get it while it runs.
 */
function judgeClientPolicy(): (status: GrpcStatus, known: boolean) => Verdict {
  let waitMs = ASK_AGAIN_MS.first;
  return ({ code }, known) => {
    if (code === StatusCode.unimplemented) return "final";
    if (code !== StatusCode.notFound || known) return "retry";
    const verdict = waitMs;
    waitMs = Math.min(2 * waitMs, ASK_AGAIN_MS.longest);
    return verdict;
  };
}
