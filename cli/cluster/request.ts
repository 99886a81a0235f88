import http from "node:http";
import https from "node:https";
import { Problem } from "../../schemas/problem.ts";

/** How long one attempt may take unless the caller says when to stop. */
const ATTEMPT_TIMEOUT_MS = 30_000;
/** The longest answer: a page is 500 objects of 10 KB each, usually, and of 1.5 MB at most (etcd's limit). */
const ANSWER_MAX_BYTES = 256 * 1024 * 1024;

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** One HTTP exchange, all of its answer. Rejects with the socket's own error, or with the reason that `signal` gives. */
export async function exchange(
  { method, url, headers, body, signal }: HttpRequest,
  agent: http.Agent,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const { request: start } = url.protocol === "https:" ? https : http;
  const request = start(url.href, { method, headers: { ...headers }, agent });
  const stop = (why: unknown) => {
    reject(why);
    request.destroy();
  };
  const onAbort = () => stop(signal?.reason);
  const timer = signal === undefined
    ? setTimeout(() => stop(tooLate(url)), ATTEMPT_TIMEOUT_MS)
    : undefined;
  request.on("error", reject);
  request.on("response", (response) => {
    readAnswer(response, url).then(resolve, stop);
  });
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  else request.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** The whole of an answer. Rejects with `protocol.invalid` when it is too long. */
export async function readAnswer(
  response: http.IncomingMessage,
  { origin, pathname }: URL,
): Promise<HttpAnswer> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > ANSWER_MAX_BYTES) {
      throw new Problem(
        "protocol.invalid",
        `${origin} answers ${pathname} with more than ${ANSWER_MAX_BYTES} bytes`,
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  text += decoder.decode();
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

function tooLate({ origin }: URL): Problem {
  return new Problem(
    "connect.timeout",
    `${origin} did not answer within ${ATTEMPT_TIMEOUT_MS / 1000} s`,
  );
}
