import type { SocketAddress } from "../schemas/address.ts";
import type { ClientPolicy } from "../schemas/client-policy.ts";
import type { EndpointSet, Profile } from "../schemas/destination.ts";
import type { ServerPolicy } from "../schemas/policy.ts";
import type { ControlClient } from "./control/client.ts";
import { createEndpointFold } from "./control/endpoint-fold.ts";
import {
  createQuestions,
  type Observer,
  type QuestionsOptions,
  serviceOf,
} from "./control/questions.ts";
import {
  judgeClientPolicy,
  judgeDestination,
  judgeServerPolicy,
} from "./control/verdicts.ts";
import type { Watch } from "./control/watch.ts";
import {
  decodeProfile,
  decodeUpdate,
  encodeGetDestination,
} from "./wire/destination.ts";
import {
  decodeOutboundPolicy,
  encodeTrafficSpec,
} from "./wire/outbound-policy.ts";
import { decodeServerPolicy, encodePortSpec } from "./wire/server-policy.ts";

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

/** Whom to ask, and in whose name. */
export interface ControlOptions extends QuestionsOptions {
  readonly destination: ControlClient;
  readonly policy: ControlClient;
  /** `POLICY_WORKLOAD`: whose policy is asked for. */
  readonly workload: string;
  /** `DESTINATION_CONTEXT`: who asks for endpoints. */
  readonly context: string;
}

/** Asks two services, each about what it knows. */
export function createControl(options: ControlOptions): Control {
  const destination = serviceOf(options.destination);
  const policy = serviceOf(options.policy);
  const { ask, close } = createQuestions(options);
  return {
    watchEndpoints(path, observer) {
      const fold = createEndpointFold();
      return ask(destination, {
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
      return ask(destination, {
        path: "/io.linkerd.proxy.destination.Destination/GetProfile",
        request: encodeGetDestination(path, options.context),
        shape: "whole",
        urgent: false,
        observer,
        read: { opened() {}, message: decodeProfile, judge: judgeDestination },
      });
    },
    watchClientPolicy(target, observer) {
      return ask(policy, {
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
      return ask(policy, {
        path: "/io.linkerd.proxy.inbound.InboundServerPolicies/WatchPort",
        request: encodePortSpec(options.workload, port),
        shape: "whole",
        urgent: true,
        observer,
        read: {
          opened() {},
          message: decodeServerPolicy,
          judge: judgeServerPolicy,
        },
      });
    },
    close() {
      close();
      destination.client.close();
      policy.client.close();
      options.snapshot.close();
    },
  };
}
