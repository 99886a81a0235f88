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
  request: HttpRequest,
  agent: http.Agent,
): Promise<HttpAnswer> {
  const stopping = new AbortController();
  const timer = request.signal === undefined
    ? setTimeout(() => stopping.abort(tooLate(request.url)), ATTEMPT_TIMEOUT_MS)
    : undefined;
  const signal = request.signal ?? stopping.signal;
  try {
    const response = await openExchange({ ...request, signal }, agent);
    try {
      return await readAnswer(response, request.url);
    } catch (error) {
      response.destroy();
      throw signal.aborted ? signal.reason : error;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The head of an answer, whose body goes on until it ends, or `signal` aborts. Rejects as `exchange` does. */
export async function openExchange(
  { method, url, headers, body, signal }: HttpRequest,
  agent: http.Agent,
): Promise<http.IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<
    http.IncomingMessage
  >();
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
  request.on("response", resolve);
  request.on("close", () => signal?.removeEventListener("abort", onAbort));
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  else request.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** The same in the words of the web. */
export function toResponse(answer: http.IncomingMessage): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  const status = answer.statusCode ?? 0;
  const reader = answer[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => void answer.destroy(),
  });
  const isBare = status === 204 || status === 304;
  return new Response(isBare ? null : body, { status, headers });
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
