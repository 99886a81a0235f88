import { once } from "node:events";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Problem } from "../../../schemas/problem.ts";
import { refuse } from "../status.ts";

/** A filter of a tap is much shorter, and nothing else has a body. */
const BODY_MAX_BYTES = 256 << 10;
/** For a body to come, and for some of an answer to be fetched; the API server itself waits for no longer. */
const PATIENCE_MS = 60_000;

/**
 * Answers a request of `node:http2` in the words of the web, which `answer` reads when it knows that it wants to, and whose
 * signal aborts when the client goes. One that takes longer than `patienceMs` to send its body, or to fetch some more of the
 * answer, is given up.
 */
export async function passOn(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  answer: (read: () => Promise<Request>) => Promise<Response>,
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
  const asked = () => patiently(read(request, gone.signal));
  try {
    const answered = await answer(asked).catch(refuse);
    // What is left of a body, nobody wants.
    request.resume();
    await write(response, answered, gone.signal, patiently);
  } catch {
    giveUp();
  }
}

async function read(
  request: Http2ServerRequest,
  signal: AbortSignal,
): Promise<Request> {
  const { method, rawHeaders, url } = request;
  const hasBody = method !== "GET" && method !== "HEAD";
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
  patiently: (work: Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  response.writeHead(status, Object.fromEntries(headers));
  const reader = body?.getReader();
  const stop = () => void reader?.cancel().catch(() => {});
  gone.addEventListener("abort", stop, { once: true });
  if (gone.aborted) stop();
  for (;;) {
    const { done, value } = await reader?.read() ?? { done: true };
    if (done || gone.aborted) break;
    if (!response.write(value)) {
      await patiently(once(response, "drain", { signal: gone }));
    }
  }
  gone.removeEventListener("abort", stop);
  response.end();
}
