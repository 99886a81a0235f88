import { describe, Problem } from "../../schemas/problem.ts";
import { GROUP_VERSION } from "../../schemas/tap.ts";
import type { Attributes, Review, User } from "../visitor.ts";
import { callApi } from "./api.ts";
import type { ApiServer } from "./in-cluster.ts";

export interface ReviewOptions {
  readonly now: () => number;
  readonly timeoutMs?: number;
}

const PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/** People wait for it. */
const TIMEOUT_MS = 5_000;
/** A yes is believed for as long as Kubernetes' own servers do with short-lived ones; a no is asked again. */
const KEPT_MS = 10_000;
/** Users by questions; far more than dashboards that are open at once. */
const MAX_KEPT = 4_096;
/** At once; the API server has others to answer. */
const MAX_ASKED = 64;

/** Has the API server judge what users may do (`SubjectAccessReview`). */
export function createReview(
  server: ApiServer,
  { now, timeoutMs = TIMEOUT_MS }: ReviewOptions,
): Review {
  const permittedUntilMs = new Map<string, number>();
  let asked = 0;
  return async (user, attributes) => {
    const key = JSON.stringify([user, attributes]);
    const atMs = now();
    if ((permittedUntilMs.get(key) ?? 0) > atMs) return;
    permittedUntilMs.delete(key);
    if (asked >= MAX_ASKED) {
      throw new Problem("loadshed", "too many access reviews at once", {
        hint: "try again in a moment",
      });
    }
    asked++;
    try {
      const status = await post(server, user, attributes, timeoutMs);
      if (status.allowed !== true || status.denied === true) {
        throw forbid(user, attributes, status.reason);
      }
    } finally {
      asked--;
    }
    for (const [old, untilMs] of permittedUntilMs) {
      // In the order in which they were permitted.
      if (untilMs > atMs && permittedUntilMs.size < MAX_KEPT) break;
      permittedUntilMs.delete(old);
    }
    permittedUntilMs.set(key, atMs + KEPT_MS);
  };
}

/** The part of a review's status that decides. */
interface Status {
  readonly allowed?: unknown;
  readonly denied?: unknown;
  readonly reason?: unknown;
}

async function post(
  server: ApiServer,
  { name: user, uid, groups, extra }: User,
  { namespace, name, ...attributes }: Attributes,
  timeoutMs: number,
): Promise<Status> {
  try {
    const response = await callApi(server, {
      method: "POST",
      path: PATH,
      body: {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SubjectAccessReview",
        spec: {
          user,
          uid,
          groups,
          extra,
          resourceAttributes: {
            ...attributes,
            version: GROUP_VERSION,
            namespace: namespace ?? "",
            name: name ?? "",
          },
        },
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { status } = await response.json() as { readonly status?: Status };
    return status ?? {};
  } catch (cause) {
    throw new Problem(
      "system.failed",
      `Cannot tell whether "${user}" may: ${describe(cause)}`,
      {
        cause,
        hint:
          "the service account linkerd-metrics needs the ClusterRole system:auth-delegator",
      },
    );
  }
}

/** In the words of Kubernetes. */
function forbid(
  user: User,
  { verb, group, resource, subresource, namespace, name }: Attributes,
  reason: unknown,
): Problem {
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === null
    ? "at the cluster scope"
    : `in the namespace "${namespace}"`;
  const named = name === null ? "" : ` "${name}"`;
  return new Problem(
    "forbidden",
    `${resource}.${group}${named} is forbidden: User "${user.name}" cannot ${verb} resource "${what}" in API group "${group}" ${where}${
      typeof reason === "string" && reason !== "" ? `: ${reason}` : ""
    }`,
  );
}
