import { formatAddress } from "../../schemas/address.ts";
import type { RequestHead } from "../http/message.ts";
import type { Log } from "../log.ts";
import { createLimiter } from "../log/limiter.ts";
import {
  describeRoute,
  describeServer,
  explainDenial,
} from "../policy/explain.ts";
import type { Route } from "../policy/inbound-routes.ts";
import type { Connection } from "./connection.ts";
import type { Refusal } from "./refusal.ts";

/** Log lines of one kind per second and port: any client can cause them. */
const LINES_PER_SECOND = 5;
/** Of a path only so much is written. */
const PATH_MAX = 200;

/** Denials that no authorization would undo. */
const DENIALS: Readonly<Partial<Record<string, string>>> = {
  reading:
    "its path, query or host may be read as one that another route denies",
  unknown: "a rule that may mean it is not understood by this proxy",
};

/** Tells people whom policy kept out, and which policy was missing. */
export interface Denials {
  connection(connection: Connection): void;
  request(connection: Connection, head: RequestHead, refusal: Refusal): void;
  /** Let through by audit mode: `head` null for a connection that is not parsed. */
  audited(
    connection: Connection,
    head: RequestHead | null,
    route: Route | null,
  ): void;
}

/** Writes lines for denials, and works out their words only for those that are written. */
export function createDenials(log: Log): Denials {
  const admit = createLimiter(LINES_PER_SECOND);
  const write = (
    level: "warn" | "info",
    message: string,
    connection: Connection,
    fields: () => Readonly<Record<string, string | undefined>>,
  ): void => {
    const target = formatAddress(connection.address);
    const suppressed = admit(`${message} ${target}`, performance.now());
    if (suppressed === null) return;
    const { caller, port } = connection;
    log[level](message, {
      client: formatAddress(connection.socket.remote),
      clientId: caller.tls === null
        ? "not meshed"
        : caller.tls.id ?? "no certificate",
      target,
      server: describeServer(port.policy.meta),
      ...fields(),
      ...(suppressed === 0 ? {} : { suppressed: String(suppressed) }),
    });
  };
  return {
    connection: (connection) =>
      write("warn", "Connection denied", connection, () => ({
        missing: missing(connection, null),
      })),
    request(connection, head, refusal) {
      const request = requestOf(head);
      switch (refusal.kind) {
        case "denied":
          return write("warn", "Request denied", connection, () => ({
            ...request(),
            route: describeRoute(refusal.route.meta),
            missing: DENIALS[refusal.by] ??
              missing(connection, refusal.route),
          }));
        case "no-route":
          return write("warn", "Request has no route", connection, request);
        case "limited":
          return write("warn", "Request above the rate", connection, () => ({
            ...request(),
            limit: refusal.scope,
          }));
        case "filtered":
          return;
      }
    },
    audited: (connection, head, route) =>
      write(
        "info",
        head === null ? "Connection allowed" : "Request allowed",
        connection,
        () => ({
          ...(head === null ? {} : requestOf(head)()),
          ...(route === null ? {} : { route: describeRoute(route.meta) }),
          authorization: "default audit",
        }),
      ),
  };
}

function missing(
  { port: { policy }, caller }: Connection,
  route: Route | null,
): string {
  const { kind } = policy.protocol;
  const parsed = kind === "http1" || kind === "http2" || kind === "grpc";
  return route === null && parsed
    ? `${describeServer(policy.meta)} takes ${kind} requests only`
    : explainDenial(policy, route, caller);
}

/** Without the query, in which tokens travel. */
function requestOf(
  head: RequestHead,
): () => Readonly<Record<string, string | undefined>> {
  return () => ({
    method: head.method.text,
    path: head.path.text.split("?", 1)[0]?.slice(0, PATH_MAX),
    host: (head.authority ?? head.host)?.text,
  });
}
