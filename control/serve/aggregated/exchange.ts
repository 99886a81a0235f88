import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Problem } from "../../../schemas/problem.ts";
import { refuse } from "../status.ts";

/** A filter of a tap is much shorter, and nothing else has a body. */
const BODY_MAX_BYTES = 256 << 10;
/** For a body to come, and for some of an answer to be fetched; the API server itself waits for no longer. */
const PATIENCE_MS = 60_000;

/**
 * Answers a request of `node:http2` in the words of the web; `answer` is told when the client goes. One that takes longer than
 * `patienceMs` to send its body, or to fetch some more of the answer, is given up.
 */
export async function passOn(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  answer: (request: Request) => Promise<Response>,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  response.on("error", () => gone.abort());
  request.on("error", () => gone.abort());
  const giveUp = (): void => {
    gone.abort();
    response.stream?.destroy();
    response.destroy?.();
  };
  /** Waits for the client. */
  const patiently = async <T>(work: Promise<T>): Promise<T> => {
    const timer = setTimeout(giveUp, patienceMs);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  };
  const say = (said: Response) => write(response, said, gone.signal, patiently);
  try {
    const asked = await patiently(read(request, gone.signal));
    await say(await answer(asked).catch(refuse));
  } catch (error) {
    if (response.headersSent || gone.signal.aborted) giveUp();
    else await say(refuse(error));
  }
}

async function read(
  request: Http2ServerRequest,
  signal: AbortSignal,
): Promise<Request> {
  const { method, rawHeaders, url } = request;
  const hasBody = method !== "GET" && method !== "HEAD";
  // Whoever may ask what there is, which is everybody, may send a body along that nobody wants.
  if (!hasBody) request.resume();
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (!name.startsWith(":")) headers.append(name, rawHeaders[at + 1] ?? "");
  }
  return new Request(new URL(url, "https://localhost"), {
    method,
    headers,
    signal,
    ...hasBody ? { body: await readBody(request) } : {},
  });
}

async function readBody(
  request: Http2ServerRequest,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > BODY_MAX_BYTES) {
      throw new Problem("request.invalid", "the request is too long");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function write(
  response: Http2ServerResponse,
  { status, headers, body }: Response,
  gone: AbortSignal,
  patiently: (work: Promise<void>) => Promise<void>,
): Promise<void> {
  response.writeHead(status, Object.fromEntries(headers));
  const reader = body?.getReader();
  const stop = () => void reader?.cancel().catch(() => {});
  gone.addEventListener("abort", stop, { once: true });
  if (gone.aborted) stop();
  for (;;) {
    const { done, value } = await reader?.read() ?? { done: true };
    if (done || gone.aborted) break;
    if (!response.write(value)) await patiently(drained(response, gone));
  }
  gone.removeEventListener("abort", stop);
  response.end();
}

/** Until more can be written, or nobody reads. */
async function drained(
  response: Http2ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  if (gone.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("drain", resolve);
  gone.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  response.off("drain", resolve);
}
