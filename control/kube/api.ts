import { describe, Problem } from "../../schemas/problem.ts";
import type { ApiServer } from "./in-cluster.ts";

export interface ApiCall {
  readonly method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  /** Of a body that is not plain JSON, such as a patch. */
  readonly contentType?: string;
  /** Of an answer that is to leave things out. */
  readonly accept?: string;
  readonly signal: AbortSignal;
}

/** An answer of the API server that is none of the 2xx. */
export class ApiRefusal extends Problem {
  readonly status: number;
  /** What `Retry-After` asks for; 0 when it asks for nothing. */
  readonly retryAfterMs: number;

  constructor(message: string, status: number, retryAfterMs: number) {
    super("system.failed", message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Calls the API server with the pod's own token, read anew for each call because the kubelet replaces it. Throws an
 * `ApiRefusal`, or `system.failed` when there is no answer at all.
 */
export async function callApi(
  server: ApiServer,
  { method = "GET", path, body, contentType, accept, signal }: ApiCall,
): Promise<Response> {
  const response = await send();
  if (response.ok) return response;
  const words = await response.text().catch(() => "");
  throw new ApiRefusal(
    `${what()}: it answers ${response.status}${messageOf(words)}`,
    response.status,
    (Number(response.headers.get("retry-after")) || 0) * 1_000,
  );

  function what(): string {
    return `Cannot ${method} ${path.split("?")[0]} at ${server.url}`;
  }

  async function send(): Promise<Response> {
    try {
      return await fetch(server.url + path, {
        method,
        headers: {
          authorization: `Bearer ${await server.token()}`,
          ...(accept === undefined ? {} : { accept }),
          ...(body === undefined
            ? {}
            : { "content-type": contentType ?? "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: "error",
        signal,
        tls: { ca: await server.ca(), rejectUnauthorized: true },
      });
    } catch (cause) {
      throw new Problem("system.failed", `${what()}: ${describe(cause)}`, {
        cause,
      });
    }
  }
}

/** The message of a Status object, which is what API servers answer; nothing of any other text. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === "string" ? ` (${message})` : "";
  } catch {
    return "";
  }
}
