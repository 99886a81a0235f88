import { parseHostPort } from "../../schemas/address.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Direction } from "../direction.ts";
import { forward, forwardWhen } from "../forward.ts";
import { Name } from "../http/field.ts";
import { dropFields, findField } from "../http/fields.ts";
import type { Exchange, RequestHead, ServeRequest } from "../http/message.ts";
import { onceKnown, whenKnown } from "./known.ts";
import type { Target } from "./target.ts";

const OVERRIDE = Name.of("l5d-dst-override");
/** Where nothing is said (facts 1.7). */
const DEFAULT_PORT = 80;
/** Names that one connection keeps in use; an ingress sends requests for many over one. */
const MAX_NAMES = 100;

export interface IngressOptions {
  /** Takes the target of a name; release it. */
  take(name: string): Target;
  directionTo(target: Target): Direction;
  /** How long a request waits for the control plane to say what its target is. */
  readonly patienceMs: number;
}

/**
 * Serves the requests of one connection in ingress mode (facts 1.7): those that name their target in `l5d-dst-override`
 * go there, the others where the connection was dialled to. Release it with the connection.
 */
export function serveIngress(
  dialled: Direction,
  { take, directionTo, patienceMs }: IngressOptions,
): { readonly serve: ServeRequest; release(): void } {
  /** The last used last. */
  const named = new Map<string, { target: Target; direction: Direction }>();

  function of(name: string): { target: Target; direction: Direction } {
    const found = named.get(name) ?? open(name);
    named.delete(name);
    named.set(name, found);
    for (const [oldest, { target }] of named) {
      if (named.size <= MAX_NAMES) break;
      named.delete(oldest);
      target.release();
    }
    return found;
  }

  function open(name: string): { target: Target; direction: Direction } {
    const target = take(name);
    return { target, direction: onceKnown(target, directionTo(target)) };
  }

  function serve(exchange: Exchange): void {
    const name = takeOverride(exchange.head);
    if (name === null) return forward(exchange, dialled);
    if (name instanceof Problem) {
      return forward(exchange, { ...dialled, route: () => name });
    }
    const { target, direction } = of(name);
    if (target.policy !== null) return forward(exchange, direction);
    forwardWhen(
      exchange,
      direction,
      (start) => whenKnown(target, patienceMs, start),
    );
  }

  return {
    serve,
    release() {
      for (const { target } of named.values()) target.release();
      named.clear();
    },
  };
}

/** Takes the field out and reads it as `name:port`; null when there is none. */
function takeOverride(head: RequestHead): string | null | Problem {
  const field = findField(head.fields, OVERRIDE);
  if (field === null) return null;
  dropFields(head.fields, OVERRIDE);
  const parsed = parseHostPort(field.text.toLowerCase(), DEFAULT_PORT);
  if (parsed !== null) return `${parsed.host}:${parsed.port}`;
  return new Problem(
    "protocol.invalid",
    "l5d-dst-override is not a valid host:port",
  );
}
