import type { Pod } from "../../demo/bed/pod.ts";
import { dialRaw } from "./raw-socket.ts";

/** What a request came to. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** What the caller's proxy says of a failure; empty when it says nothing. */
  readonly error: string;
  readonly tookMs: number;
}

export interface HttpQuestion {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  /** In place of a declared length. */
  readonly chunked?: boolean;
}

/** Sends one HTTP/1.1 request from a pod, on a connection of its own. */
export async function ask(
  from: Pick<Pod, "netns">,
  service: { readonly clusterIp: string; readonly name: string },
  port: number,
  question: HttpQuestion = {},
): Promise<HttpAnswer> {
  const { path = "/", method = "GET", headers = [], body = "" } = question;
  const chunked = question.chunked === true;
  const startMs = performance.now();
  const socket = await dialRaw(from, service.clusterIp, port);
  socket.write(
    [
      `${method} ${path} HTTP/1.1`,
      `host: ${service.name}`,
      "connection: close",
      chunked ? "transfer-encoding: chunked" : `content-length: ${body.length}`,
      ...headers,
      "",
      chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body,
    ].join("\r\n"),
  );
  const text = (await socket.ended).toString("latin1");
  socket.destroy();
  const end = text.indexOf("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]),
    body: text.slice(end + 4),
    error: /^l5d-proxy-error: (.*)\r$/m.exec(text.slice(0, end))?.[1] ?? "",
    tookMs: performance.now() - startMs,
  };
}
