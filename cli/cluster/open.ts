import http from "node:http";
import https from "node:https";
import type { ApiRequest, Cluster } from "../cluster.ts";
import { ApiError } from "../cluster.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { isMap } from "../../schemas/values/merge.ts";
import { VERSION } from "../../schemas/version.ts";
import { type Access, findAccess } from "./access.ts";
import { readCredentials, readImpersonation } from "./credentials.ts";
import { unanswered } from "./failure.ts";
import { exchange, type HttpAnswer } from "./request.ts";

/**
 * The cluster that a command line means. Nothing is asked of it yet. Throws `config.invalid` when no kubeconfig says
 * where it is, or one that cannot be used.
 */
export async function openCluster(
  given: Given,
  world: World,
): Promise<Cluster> {
  const access = await findAccess(given, world);
  const { cert, key, authorization } = await readCredentials(access, world);
  const agent = makeAgent(access, cert, key);
  const identity = {
    ...(authorization === undefined ? {} : { authorization }),
    ...readImpersonation(given, access.user),
  };
  return {
    server: access.server.href.replace(/\/$/, ""),
    namespace: access.namespace,
    call: async (request) => {
      const url = locate(access.server, request);
      try {
        const answer = await exchange({
          method: request.method ?? "GET",
          url,
          headers: { ...headersOf(request), ...identity },
          body: request.body === undefined
            ? undefined
            : JSON.stringify(request.body),
          signal: request.signal,
        }, agent);
        return read(answer, access);
      } catch (thrown) {
        throw unanswered(thrown, access);
      }
    },
    forward: () => Promise.reject(new Error("cannot forward yet")),
  };
}

/** Connections are kept between calls; a kept one does not keep the process. */
function makeAgent(
  { server, ca, insecure, serverName }: Access,
  cert: string | undefined,
  key: string | undefined,
): http.Agent {
  if (server.protocol === "http:") return new http.Agent({ keepAlive: true });
  return new https.Agent({
    keepAlive: true,
    rejectUnauthorized: !insecure,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  });
}

function locate(server: URL, { path, query }: ApiRequest): URL {
  const url = new URL(server.href.replace(/\/$/, "") + path);
  for (const [name, value] of Object.entries(query ?? {})) {
    url.searchParams.set(name, value);
  }
  return url;
}

function headersOf({ method, body }: ApiRequest): Record<string, string> {
  return {
    accept: "application/json",
    "user-agent": `linkerd/cli ${VERSION}`,
    ...(body === undefined ? {} : {
      "content-type": method === "PATCH"
        ? "application/merge-patch+json"
        : "application/json",
    }),
  };
}

/** The JSON of an answer, or the refusal that it is. */
function read({ status, text }: HttpAnswer, access: Access): unknown {
  const body = parse(text);
  if (status >= 200 && status < 300 && body !== undefined) return body;
  const said = isMap(body) ? body : {};
  const reason = String(said["reason"] ?? http.STATUS_CODES[status] ?? status);
  const message = typeof said["message"] === "string"
    ? said["message"]
    : text.trim().slice(0, 200) || reason;
  throw new ApiError(
    status,
    reason,
    status === 401
      ? `the API server ${access.server.href} does not accept the credentials of "${access.userName}" in ${access.from} (${message})`
      : message,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
