import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { formatIdentity, type Realm } from "../../schemas/identity.ts";
import { describe } from "../../schemas/problem.ts";
import {
  type CertifyRequest,
  type CertifyResponse,
  CertifyResponseSchema,
  Identity,
} from "../../schemas/proto/gen/identity_pb.ts";
import type { TokenReviewer } from "../caller.ts";
import { requireValid } from "../issuer.ts";
import { issueLeaf, type Lifetime } from "../issuer/leaf.ts";
import type { LoadedIssuer } from "../issuer/load.ts";
import { checkRequest, parseRequest } from "../issuer/request.ts";
import type { Log } from "../log.ts";

export interface IdentityOptions {
  /** The issuer in use, null while there is none. */
  readonly issuer: () => LoadedIssuer | null;
  readonly review: TokenReviewer;
  readonly realm: Realm;
  readonly lifetime: Lifetime;
  readonly log: Log;
  readonly now?: () => number;
}

/** The route of `io.linkerd.proxy.identity.Identity`. */
export function identityRoutes(
  options: IdentityOptions,
): (router: ConnectRouter) => void {
  return (router) => {
    router.service(Identity, {
      certify: async (request) => {
        try {
          return await certify(request, options);
        } catch (error) {
          options.log.warn("certify refused", {
            identity: request.identity,
            code: error instanceof ConnectError
              ? Code[error.code]
              : Code[Code.Internal],
            error: error instanceof ConnectError
              ? error.rawMessage
              : describe(error),
          });
          throw error;
        }
      },
    });
  };
}

/**
 * Issues a leaf to a caller that proves by token to be who it asks to be. The order of the checks, and the code of each
 * refusal, are Linkerd's: cheap ones first, the API server last but for the signing itself.
 */
async function certify(
  request: CertifyRequest,
  options: IdentityOptions,
): Promise<CertifyResponse> {
  const { realm, lifetime, log, now = Date.now } = options;
  const issuer = options.issuer();
  if (issuer === null) throw refuse(Code.Unavailable, "No issuer is loaded");

  const { identity } = request;
  if (identity === "") throw refuse(Code.InvalidArgument, "Missing identity");
  const token = new TextDecoder().decode(request.token);
  if (token === "") throw refuse(Code.InvalidArgument, "Missing token");
  if (request.certificateSigningRequest.length === 0) {
    throw refuse(
      Code.InvalidArgument,
      "Missing certificate signing request",
    );
  }
  const signingRequest = await coded(
    Code.InvalidArgument,
    () => parseRequest(request.certificateSigningRequest),
  );

  await coded(Code.Unknown, () => requireValid(issuer, now()));

  const leafRequest = await coded(
    Code.FailedPrecondition,
    () => checkRequest(signingRequest, identity),
  );

  const review = await coded(Code.Internal, () => options.review(token.trim()));
  if (review.kind !== "caller") {
    throw refuse(REVIEW_CODES[review.kind], review.message);
  }
  const caller = await coded(
    Code.InvalidArgument,
    () => formatIdentity(review.workload, realm),
  );
  if (caller !== identity) {
    throw refuse(
      Code.FailedPrecondition,
      `Cannot issue "${identity}": the token is of "${caller}"`,
    );
  }

  const leaf = await coded(
    Code.Internal,
    () => issueLeaf(issuer, leafRequest, lifetime, now()),
  );
  log.info("certified", {
    identity,
    serial: leaf.serial,
    expires: new Date(leaf.notAfterMs).toISOString(),
  });
  return create(CertifyResponseSchema, {
    leafCertificate: leaf.der,
    intermediateCertificates: [...issuer.chain],
    validUntil: timestampFromMs(leaf.notAfterMs),
  });
}

const REVIEW_CODES = {
  unauthenticated: Code.FailedPrecondition,
  invalid: Code.InvalidArgument,
} as const;

/** The result of a step, or its failure under the code of that step. */
async function coded<T>(code: Code, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    throw new ConnectError(
      describe(cause),
      code,
      undefined,
      undefined,
      cause,
    );
  }
}

function refuse(code: Code, message: string): ConnectError {
  return new ConnectError(message, code);
}
