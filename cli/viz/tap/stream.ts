import { harmless } from "../../../schemas/harmless.ts";
import { describe, Problem } from "../../../schemas/problem.ts";
import { type TapEvent, tapPath } from "../../../schemas/tap.ts";
import { ApiError } from "../../cluster.ts";
import type { World } from "../../command.ts";
import type { Given } from "../../flags.ts";
import { reachMetrics } from "../reach.ts";
import { readEvents } from "./events.ts";
import type { Tap } from "./target.ts";

/** What is said when the other side has nothing more to show. */
export const TERMINATED = "Tap stream terminated\n";

/**
 * Live requests, at `--api-addr` or through the API server, until `signal` aborts or the other side ends. Throws what the
 * server refuses, with Linkerd's words around Kubernetes' own, and `connect.failed`.
 */
export async function openTap(
  { target, filter }: Tap,
  given: Given,
  world: World,
  signal: AbortSignal,
): Promise<AsyncIterable<TapEvent>> {
  const api = await reachMetrics(given, world);
  const request = {
    method: "POST",
    path: tapPath(target),
    body: filter,
    signal,
  } as const;
  try {
    const { body } = await api.open(request);
    return follow(read(body, signal), api.at, signal);
  } catch (error) {
    throw refusal(error);
  }
}

/** Events until the stream ends; quietly so when we ended it. */
async function* follow(
  chunks: AsyncIterable<Uint8Array>,
  at: string,
  signal: AbortSignal,
): AsyncGenerator<TapEvent> {
  try {
    yield* readEvents(chunks);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Problem) throw error;
    throw new Problem(
      "connect.failed",
      `The stream of requests from ${at} broke: ${describe(error)}`,
      { hint: "run the command again" },
    );
  }
}

/** The chunks of an answer. It is cancelled here: Deno forgets the signal of a fetch when it collects garbage. */
async function* read(
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  const cancel = () => void reader?.cancel().then(undefined, () => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      const { value } = await reader?.read() ?? {};
      if (value === undefined) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

function refusal(error: unknown): unknown {
  if (!(error instanceof Problem) || !(error.cause instanceof ApiError)) {
    return error;
  }
  const { status, message } = error.cause;
  return new Problem(
    error.code,
    `HTTP error, status Code [${status}] (${harmless(message)})`,
    error.hint === undefined ? {} : { hint: error.hint },
  );
}
