import http from "node:http";
import https from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { VERSION } from "../../schemas/version.ts";
import { ApiError, type ApiRequest, type Cluster } from "../cluster.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { type Access, findAccess, urlOf } from "./access.ts";
import { makeAgent } from "./agent.ts";
import {
  canRenew,
  type Impersonation,
  readCredentials,
  readImpersonation,
} from "./credentials.ts";
import { unanswered } from "./failure.ts";
import { CHANNEL_PROTOCOL, openTunnel, startForward } from "./forward.ts";
import { chooseProxy } from "./proxy.ts";
import { parseJson, refusalOf } from "./refusal.ts";
import {
  exchange,
  type HttpAnswer,
  type HttpRequest,
  openExchange,
  readAnswer,
  toResponse,
} from "./request.ts";

/** How often a server may ask us to come back before that is an error; client-go waits as patiently for a minute. */
const BUSY_TRIES = 5;
/** The longest that a server may ask us to wait, in seconds. */
const BUSY_WAIT_MAX_S = 10;

/** What a call needs of us: connections with our certificate, headers with our name. */
interface Session {
  readonly agent: http.Agent;
  readonly headers: Impersonation;
}

/**
 * The cluster that a command line means. Nothing is asked of it yet. Throws `config.invalid` when no kubeconfig says
 * where it is, or one that cannot be used.
 */
export async function openCluster(
  given: Given,
  world: World,
): Promise<Cluster> {
  const access = await findAccess(given, world);
  const proxy = chooseProxy(access.server, access.proxy, world);
  const impersonation = readImpersonation(given, access.user);
  const logIn = async (): Promise<Session> => {
    const credentials = await readCredentials(access, world, Date.now());
    const { authorization } = credentials;
    return {
      agent: makeAgent(access, credentials, proxy),
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...impersonation,
      },
    };
  };
  let session = await logIn();
  const call = async (request: ApiRequest): Promise<unknown> => {
    let answer = await patiently(() => send(access, request, session));
    if (answer.status === 401 && canRenew(access)) {
      session = await logIn();
      answer = await send(access, request, session);
    }
    return read(answer, access);
  };
  const open = async (request: ApiRequest): Promise<Response> => {
    let answer = await start(access, request, session);
    if (answer.statusCode === 401 && canRenew(access)) {
      answer.destroy();
      session = await logIn();
      answer = await start(access, request, session);
    }
    if (answer.statusCode !== 401) return toResponse(answer);
    throw refusal(await readAnswer(answer, locate(access, request)), access);
  };
  return {
    server: urlOf(access),
    namespace: access.namespace,
    call: (request) => explained(call(request), access),
    open: (request) => explained(open(request), access),
    forward: ({ namespace, name }, port) =>
      startForward(() => {
        const path = `/api/v1/namespaces/${namespace}/pods/${name}/portforward`;
        const url = locate(access, {
          path,
          query: { ports: String(port) },
        });
        return explained(connect(url, session, access), access);
      }),
  };
}

async function explained<T>(work: Promise<T>, access: Access): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw unanswered(thrown, access);
  }
}

/** Asks again while a busy server says when to. */
async function patiently(ask: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  for (let left = BUSY_TRIES;; left--) {
    const answer = await ask();
    const wait = Number(answer.headers["retry-after"] ?? NaN);
    const isBusy = answer.status === 429 || answer.status >= 500;
    if (!isBusy || !(wait >= 0) || left === 0) return answer;
    await pause(Math.min(wait, BUSY_WAIT_MAX_S) * 1000);
  }
}

async function send(
  access: Access,
  request: ApiRequest,
  session: Session,
): Promise<HttpAnswer> {
  const once = () => exchange(toHttp(access, request, session), session.agent);
  try {
    return await once();
  } catch (thrown) {
    // A kept connection may be closed by the server at the moment we take it up again.
    const { method = "GET" } = request;
    if (method !== "GET" || !isReset(thrown)) throw thrown;
    return await once();
  }
}

/** An answer that is read as it comes: on a connection of its own, which nobody has closed yet. */
async function start(
  access: Access,
  request: ApiRequest,
  session: Session,
): Promise<http.IncomingMessage> {
  const { headers, ...rest } = toHttp(access, request, session);
  return await openExchange(
    { ...rest, headers: { ...headers, connection: "close" } },
    session.agent,
  );
}

function toHttp(
  access: Access,
  request: ApiRequest,
  { headers }: Session,
): HttpRequest {
  const { method = "GET", body, signal } = request;
  return {
    method,
    url: locate(access, request),
    headers: { ...headersOf(request), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  };
}

function isReset(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown &&
    (thrown.code === "ECONNRESET" || thrown.code === "EPIPE");
}

/** A WebSocket of the API server; a refusal is an `ApiError`. */
async function connect(
  url: URL,
  { agent, headers }: Session,
  access: Access,
) {
  const { request } = url.protocol === "https:" ? https : http;
  const key = crypto.getRandomValues(new Uint8Array(16));
  return await openTunnel(
    request(url.href, {
      agent,
      headers: {
        ...headers,
        "user-agent": USER_AGENT,
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": btoa(String.fromCharCode(...key)),
        "sec-websocket-protocol": CHANNEL_PROTOCOL,
      },
    }),
    async (response) => refusal(await readAnswer(response, url), access),
  );
}

function locate(access: Access, { path, query }: ApiRequest): URL {
  const url = new URL(urlOf(access) + path);
  for (const [name, value] of Object.entries(query ?? {})) {
    url.searchParams.set(name, value);
  }
  return url;
}

const USER_AGENT = `linkerd/cli ${VERSION}`;

function headersOf({ method, body }: ApiRequest): Record<string, string> {
  const type = method === "PATCH"
    ? "application/merge-patch+json"
    : "application/json";
  return {
    accept: "application/json",
    "user-agent": USER_AGENT,
    ...(body === undefined ? {} : { "content-type": type }),
  };
}

/** The JSON of an answer. */
function read(answer: HttpAnswer, access: Access): unknown {
  const { status, text } = answer;
  const body = parseJson(text);
  if (status >= 200 && status < 300 && body !== undefined) return body;
  throw refusal(answer, access);
}

function refusal(
  { status, text }: Pick<HttpAnswer, "status" | "text">,
  access: Access,
): ApiError {
  const said = refusalOf(status, text);
  if (status !== 401) return said;
  const who = access.userName === "" ? "nobody" : `"${access.userName}"`;
  return new ApiError(
    status,
    said.reason,
    `the API server does not accept the credentials of ${who} in ${access.from}: ${said.message}`,
  );
}
