import { TOKEN_AUDIENCE } from "../../schemas/names.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import { type Review, reviewSubject, type TokenReviewer } from "../caller.ts";
import { callApi } from "./api.ts";
import type { ApiServer } from "./in-cluster.ts";

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";

/** A proxy gives up its Certify call after about this long; a later answer helps nobody. */
const TIMEOUT_MS = 10_000;

/** The part of a TokenReview's status that decides. */
interface Status {
  readonly authenticated: boolean;
  readonly username: string;
  readonly error: string;
}

/** A reviewer that asks the API server; throws `system.failed` when that cannot be reached or refuses to answer. */
export function createTokenReviewer(server: ApiServer): TokenReviewer {
  return async (token) => {
    const status = await post(server, { token, audiences: [TOKEN_AUDIENCE] });
    // API servers that know no audiences for tokens say so; they are asked again without (as Linkerd does).
    return status.error.includes("token audiences")
      ? decide(await post(server, { token }))
      : decide(status);
  };
}

function decide(status: Status): Review {
  if (status.error !== "") {
    return {
      kind: "invalid",
      message: `Cannot accept token: the API server says "${status.error}"`,
    };
  }
  if (!status.authenticated) {
    return {
      kind: "unauthenticated",
      message: "Cannot accept token: the API server does not know it",
    };
  }
  return reviewSubject(status.username);
}

async function post(
  server: ApiServer,
  spec: { token: string; audiences?: string[] },
): Promise<Status> {
  const answer = await send(server, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenReview",
    spec,
  });
  const status = field(answer, "status");
  const authenticated = field(status, "authenticated");
  const username = field(field(status, "user"), "username");
  const error = field(status, "error");
  return {
    authenticated: authenticated === true,
    username: typeof username === "string" ? username : "",
    error: typeof error === "string" ? error : "",
  };
}

async function send(server: ApiServer, body: unknown): Promise<unknown> {
  try {
    const response = await callApi(server, {
      method: "POST",
      path: PATH,
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return await response.json();
  } catch (cause) {
    throw new Problem(
      "system.failed",
      `Cannot review token: ${describe(cause)}`,
      {
        cause,
        hint:
          "the service account needs the right to create tokenreviews.authentication.k8s.io",
      },
    );
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Reflect.get(value, name)
    : undefined;
}
