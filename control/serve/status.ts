import { describe, Problem, type ProblemCode } from "../../schemas/problem.ts";
import { HINT } from "../../schemas/tap.ts";

type Code = 400 | 401 | 403 | 404 | 429 | 500 | 502;

/** Kubernetes' words for HTTP's numbers. */
const REASONS: Readonly<Record<Code, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  429: "TooManyRequests",
  500: "InternalError",
  502: "ServiceUnavailable",
};

const CODES: Readonly<Partial<Record<ProblemCode, Code>>> = {
  "request.invalid": 400,
  "tls.refused": 401,
  "forbidden": 403,
  "loadshed": 429,
};

/** The answer to a question that has none: a `Status` object of Kubernetes, whose causes say what to do. */
export function refuse(error: unknown): Response {
  const code = error instanceof Problem ? CODES[error.code] ?? 502 : 500;
  const hint = error instanceof Problem ? error.hint : undefined;
  return statusResponse(code, describe(error), hint);
}

/** That there is nothing at a path. */
export function notFound(): Response {
  return statusResponse(
    404,
    "the server could not find the requested resource",
  );
}

function statusResponse(code: Code, message: string, hint?: string): Response {
  return Response.json({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason: REASONS[code],
    ...hint === undefined
      ? {}
      : { details: { causes: [{ reason: HINT, message: hint }] } },
    code,
  }, { status: code, headers: { "cache-control": "no-store" } });
}
