import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { Problem } from "../../schemas/problem.ts";
import {
  GROUP_VERSION,
  TAP_GROUP,
  type TapEvent,
  type TapFilter,
  type TapTarget,
} from "../../schemas/tap.ts";
import type { Tapping } from "../tap.ts";
import { openLines } from "./lines.ts";
import { refuse } from "./status.ts";
import { parseTapFilter } from "./tap-filter.ts";
import type { Visitor } from "../visitor.ts";

export interface TapOptions {
  readonly tapping: Tapping;
  /** Between empty lines, while there is nothing to show. */
  readonly idleMs?: number;
  /** Between two looks at whether a visitor may still watch. */
  readonly judgeEveryMs?: number;
  /** At once, of all visitors together. */
  readonly maxTaps?: number;
  /** Of them, of targets in one namespace. */
  readonly maxInNamespace?: number;
}

/**
 * Answers a visitor with the live requests of a target, until they go or `signal` aborts: lines of JSON (schemas/tap.ts), of
 * what `show` makes of them. Who may not, and what cannot be tapped, is answered with a `Status`.
 */
export type OpenTap = (
  visitor: Visitor,
  target: TapTarget,
  filter: TapFilter,
  signal: AbortSignal,
  /** What is said of the events, instead of them. */
  show?: (events: AsyncIterable<TapEvent>) => AsyncIterable<unknown>,
) => Promise<Response>;

/** Often enough for what closes connections on which nothing happens: Bun after 10 s. */
const IDLE_MS = 4_000;
/** Who has lost the right looks on for no longer; a review a minute costs the API server nothing. */
const JUDGE_EVERY_MS = 60_000;
/** Each holds a stream to each proxy of its target. */
const MAX_TAPS = 32;
/** Who may tap a single namespace shall not keep others from theirs. */
const MAX_IN_NAMESPACE = 16;
/** A filter is a few names. */
const BODY_MAX_BYTES = 64 << 10;

/** Judges and limits taps. */
export function createTap(
  {
    tapping,
    idleMs = IDLE_MS,
    judgeEveryMs = JUDGE_EVERY_MS,
    maxTaps = MAX_TAPS,
    maxInNamespace = MAX_IN_NAMESPACE,
  }: TapOptions,
): OpenTap {
  /** The namespace of each that is open. */
  const open: string[] = [];
  return async (visitor, target, filter, signal, show = asTheyAre) => {
    const { kind, namespace, name } = target;
    const judge = () =>
      visitor.permit({
        verb: "watch",
        group: TAP_GROUP,
        resource: `${kind}s`,
        subresource: "tap",
        namespace,
        name,
      });
    try {
      await judge();
      const beside = open.filter((other) => other === namespace).length;
      if (open.length >= maxTaps || beside >= maxInNamespace) {
        throw new Problem(
          "loadshed",
          open.length >= maxTaps
            ? `${maxTaps} taps are open already`
            : `${maxInNamespace} taps of namespace ${namespace} are open already`,
          { hint: "end one of them, or try again later" },
        );
      }
      open.push(namespace);
      return new Response(
        await openLines((until) => show(tapping(target, filter, until)), {
          idleMs,
          signal,
          judge,
          judgeEveryMs,
          ended: () => void open.splice(open.indexOf(namespace), 1),
        }),
        {
          headers: {
            "content-type": "application/x-ndjson",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
          },
        },
      );
    } catch (error) {
      return refuse(error);
    }
  };
}

function asTheyAre(events: AsyncIterable<TapEvent>): AsyncIterable<TapEvent> {
  return events;
}

/** Taps at `tapPath`, with their filter as the body. */
export function createTapPaths(openTap: OpenTap): Hono<{ Bindings: Visitor }> {
  const app = new Hono<{ Bindings: Visitor }>();
  const limit = bodyLimit({
    maxSize: BODY_MAX_BYTES,
    onError: () =>
      refuse(new Problem("request.invalid", "the filter is too long")),
  });
  const answer = async (
    context: Context<{ Bindings: Visitor }>,
    target: () => TapTarget,
  ): Promise<Response> => {
    const { env, req } = context;
    try {
      const filter = parseTapFilter(parse(await req.text()));
      return await openTap(env, target(), filter, req.raw.signal);
    } catch (error) {
      return refuse(error);
    }
  };
  app.post(`${WATCHED}/tap`, limit, (context) => {
    const namespace = context.req.param("namespace");
    const target = { kind: "namespace", name: namespace, namespace };
    return answer(context, () => target);
  });
  app.post(`${WATCHED}/:kinds/:name/tap`, limit, (context) => {
    const { namespace, kinds, name } = context.req.param();
    return answer(context, () => ({
      kind: singular(kinds),
      name: name === "*" ? null : name,
      namespace,
    }));
  });
  return app;
}

/** As `tapPath` has it. */
const WATCHED =
  `/apis/${TAP_GROUP}/${GROUP_VERSION}/watch/namespaces/:namespace` as const;

function singular(kinds: string): string {
  if (/^[a-z]+s$/.test(kinds)) return kinds.slice(0, -1);
  throw new Problem("request.invalid", `"${kinds}" cannot be tapped`);
}

function parse(text: string): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("request.invalid", "expected a filter as JSON");
  }
}
