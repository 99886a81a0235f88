import type { SocketAddress } from "../../schemas/address.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Channel } from "../channel.ts";
import type { Direction, InFlight } from "../direction.ts";
import { forward, forwardWhen } from "../forward.ts";
import { Field } from "../http/field.ts";
import { setField } from "../http/fields.ts";
import type { Exchange, RequestHead } from "../http/message.ts";
import {
  downgradeRequest,
  markResponse,
  origProto,
} from "../http/orig-proto.ts";
import { nameTarget } from "../http/target.ts";
import { CLIENT_ID } from "../inbound/direction.ts";
import type { TransportHeader } from "../wire/transport-header.ts";
import type { Beyond } from "./beyond.ts";
import { BAD_DOMAIN, isWithin, plainName } from "./domain.ts";
import { forwardedBy, hasBeenHere } from "./forwarded.ts";

/** What makes a proxy a gateway. */
export interface GatewayOptions {
  /** Names that may be asked for end so; none: nothing may. In lower case, without the final dot. */
  readonly suffixes: readonly string[];
  /** Opens the way to `name:port`; release it. */
  open(target: string): Beyond;
}

/** Who is at the ends of a connection to a gateway, and how its failures count. */
export interface PassageOptions {
  /** Our own name. */
  readonly own: string;
  readonly clientId: string;
  readonly client: SocketAddress;
  readonly inFlight: InFlight;
  failed(problem: Problem): void;
}

/** What one connection may do at a gateway, once policy has permitted it. */
export interface Passage {
  /** Carries a request to what the connection's header names. */
  forward(exchange: Exchange): void;
  /** A connection there for bytes that are not parsed; rejects with a Problem. */
  open(): Promise<Channel>;
  release(): void;
}

const LOOP = new Problem("gateway.loop", "gateway loop detected", {
  hint: "a mirrored Service leads back to the cluster that it is mirrored from",
});

/** The way of one connection through a gateway (facts 1.6). Nothing is looked up before something is to be carried. */
export function createPassage(
  gateway: GatewayOptions,
  header: TransportHeader,
  options: PassageOptions,
): Passage {
  const { own, clientId } = options;
  const name = plainName(header.name);
  const target = `${name}:${header.port}`;
  const mark = forwardedBy(own, clientId, target);
  const caller = Field.of(CLIENT_ID.text, clientId);
  let beyond: Beyond | null = null;

  function take(): Beyond | Problem {
    if (clientId === own) return LOOP;
    if (!isWithin(name, gateway.suffixes)) return BAD_DOMAIN;
    return beyond ??= gateway.open(target);
  }

  /** Makes a request what the outbound side gets from an application here. */
  function prepare(head: RequestHead): void {
    const orig = head.version === "2" ? origProto(head) : null;
    if (orig !== null) downgradeRequest(head, orig);
    if (head.version !== "2") nameTarget(head, target);
    setField(head.fields, caller);
    head.fields.push(mark);
  }

  return {
    forward(exchange) {
      const { head } = exchange;
      const taken = hasBeenHere(head.fields, own) ? LOOP : take();
      if (taken instanceof Problem) {
        return forward(exchange, refuse(taken, options));
      }
      const orig = head.version === "2" ? origProto(head) : null;
      const { direction } = taken;
      const here: Direction = {
        ...direction,
        route: (head) => taken.problem ?? direction.route(head),
        toClient(response, request) {
          direction.toClient(response, request);
          if (orig !== null) markResponse(response, orig);
        },
        // Everybody here has proved who they are.
        informational: true,
        tellsUnsent: true,
        failed: options.failed,
        inFlight: options.inFlight,
        sight: direction.sight === null
          ? null
          : { ...direction.sight, source: options.client },
      };
      forwardWhen(exchange, here, (start) => {
        prepare(head);
        if (head.trace !== null) head.trace.side = "outbound";
        taken.settled(start);
      });
    },
    async open() {
      const taken = take();
      if (taken instanceof Problem) throw taken;
      await new Promise<void>((resolve) => taken.settled(resolve));
      if (taken.problem !== null) throw taken.problem;
      return await taken.open(header.session);
    },
    release: () => beyond?.release(),
  };
}

/** Answers every request with one failure. */
function refuse(
  problem: Problem,
  { failed, inFlight }: PassageOptions,
): Direction {
  return {
    route: () => problem,
    toUpstream: (head) => head,
    toClient() {},
    informational: true,
    tellsUnsent: false,
    sight: null,
    failed,
    inFlight,
  };
}
