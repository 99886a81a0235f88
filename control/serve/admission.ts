import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { describe } from "../../schemas/problem.ts";

/** What the API server asks about one object (admission.k8s.io, v1 and v1beta1). */
export interface AdmissionRequest {
  readonly uid: string;
  readonly namespace: string;
  /** Of the object, such as `Pod`. */
  readonly kind: string;
  readonly object: Readonly<Record<string, unknown>>;
}

export type Admission =
  | {
    readonly allowed: true;
    readonly patch?: readonly unknown[];
    /** Shown by kubectl; the API server cuts them. */
    readonly warnings?: readonly string[];
  }
  | { readonly allowed: false; readonly message: string };

/** Linkerd's limit; the API server itself takes objects of 3 MB. */
const BODY_MAX_BYTES = 10 << 20;

/** A webhook's one page: reads a review, has it decided, and answers it; what cannot be read is 400, too much is 413. */
export function createAdmission(
  decide: (request: AdmissionRequest) => Promise<Admission>,
): Hono {
  const app = new Hono();
  app.post(
    "/",
    bodyLimit({
      maxSize: BODY_MAX_BYTES,
      onError: (context) =>
        context.text(`a review is ${BODY_MAX_BYTES} bytes at most\n`, 413),
    }),
    async (context) => {
      const text = await context.req.text();
      if (text === "") return context.body(null, 200);
      const review = parseReview(text);
      if (review === null) {
        return context.text(
          "expected an AdmissionReview with a request\n",
          400,
        );
      }
      const { apiVersion, request } = review;
      return context.json({
        apiVersion,
        kind: "AdmissionReview",
        response: { uid: request.uid, ...toResponse(await settle(request)) },
      });
    },
  );
  return app;

  /** A decision that fails refuses the object, with the reason: the user sees it where the object was made. */
  async function settle(request: AdmissionRequest): Promise<Admission> {
    try {
      return await decide(request);
    } catch (error) {
      return { allowed: false, message: describe(error) };
    }
  }
}

function toResponse(admission: Admission): Readonly<Record<string, unknown>> {
  if (!admission.allowed) {
    return {
      allowed: false,
      status: { message: admission.message, code: 400 },
    };
  }
  const { patch = [], warnings = [] } = admission;
  return {
    allowed: true,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(patch.length === 0 ? {} : {
      patchType: "JSONPatch",
      patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
    }),
  };
}

function parseReview(
  text: string,
): { readonly apiVersion: string; readonly request: AdmissionRequest } | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { apiVersion, request } = fields(value);
  const { uid, namespace = "", object, kind } = fields(request);
  if (typeof apiVersion !== "string" || typeof uid !== "string" || uid === "") {
    return null;
  }
  return {
    apiVersion,
    request: {
      uid,
      namespace: String(namespace),
      kind: String(fields(kind)["kind"] ?? ""),
      object: fields(object),
    },
  };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Readonly<Record<string, unknown>>
    : {};
}
