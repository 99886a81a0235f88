import http from "node:http";
import https from "node:https";
import { Problem } from "../../schemas/problem.ts";

/** How long one attempt may take unless the caller says when to stop. */
const ATTEMPT_TIMEOUT_MS = 30_000;
/** The longest answer: a page of 500 objects, the largest that etcd takes being 1.5 MB and the usual ones 10 KB. */
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

/** One HTTP exchange, all of its answer. Rejects with the socket's own error, or with what `signal` gives as a reason. */
export function exchange(
  { method, url, headers, body, signal }: HttpRequest,
  agent: http.Agent,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const { request: send } = url.protocol === "https:" ? https : http;
  const request = send(url.href, { method, headers: { ...headers }, agent });
  const stop = (why: unknown) => {
    reject(why);
    request.destroy();
  };
  const onAbort = () => stop(signal?.reason);
  const timer = signal === undefined
    ? setTimeout(() => stop(tooLate(url)), ATTEMPT_TIMEOUT_MS)
    : undefined;
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  request.on("error", reject);
  request.on("response", (response) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    response.on("data", (chunk: Uint8Array) => {
      length += chunk.length;
      if (length > ANSWER_MAX_BYTES) stop(tooLong(url));
      else chunks.push(chunk);
    });
    response.on("error", reject);
    response.on("end", () => {
      const decoder = new TextDecoder();
      const text = chunks.map((chunk) =>
        decoder.decode(chunk, { stream: true })
      ).join("") + decoder.decode();
      const status = response.statusCode ?? 0;
      resolve({ status, headers: response.headers, text });
    });
  });
  request.end(body);
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  });
}

function tooLate({ origin }: URL): Problem {
  return new Problem(
    "connect.timeout",
    `${origin} did not answer within ${ATTEMPT_TIMEOUT_MS / 1000} s`,
  );
}

function tooLong({ origin, pathname }: URL): Problem {
  return new Problem(
    "protocol.invalid",
    `${origin} answers ${pathname} with more than ${ANSWER_MAX_BYTES} bytes`,
  );
}
