import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { admit, type Verdict } from "../install/inject/admit.ts";
import { REASON_TEXT } from "../install/inject/decide.ts";
import type { Injection } from "../install/inject/patch.ts";
import { describe, Problem } from "../schemas/problem.ts";
import { parseValues } from "../schemas/values/check.ts";
import { DEFAULT_VALUES } from "../schemas/values/defaults.ts";
import { isMap, mergeValues } from "../schemas/values/merge.ts";
import type { Values } from "../schemas/values.ts";
import { VERSION } from "../schemas/version.ts";
import { recordEvent } from "./kube/event.ts";
import type { ApiServer } from "./kube/in-cluster.ts";
import {
  findOwner,
  type Metadata,
  type Owner,
  readMetadata,
} from "./kube/owner.ts";
import { createSeldom } from "./kube/seldom.ts";
import type { Log } from "./log.ts";
import type { Counter } from "./metrics.ts";
import type { Admission, AdmissionRequest } from "./serve/admission.ts";

const COMPONENT = "linkerd-proxy-injector";

/** A Deployment of a thousand pods has one event each so long: each is a write to the cluster's store. */
const EVENT_PERIOD_MS = 10_000;

export interface InjectorOptions {
  readonly server: ApiServer;
  /** The control plane's namespace. */
  readonly namespace: string;
  /** Where ConfigMap `linkerd-config` is mounted. */
  readonly configFolder: string;
  /** File of trust anchors in PEM. */
  readonly anchors: string;
  readonly requests: Counter;
  readonly responses: Counter;
  readonly log: Log;
  readonly now: () => number;
}

/** Labels of the two counters, in Linkerd's words. */
export const REQUEST_LABELS = ["owner_kind", "namespace"];
export const RESPONSE_LABELS = [
  ...["owner_kind", "namespace", "annotation_at", "skip", "skip_reason"],
];

/**
 * Decides what an object gets when it is created. Values and anchors are read each time, as Linkerd does: a changed
 * configuration needs no restart. The namespace is asked for, not remembered: `kubectl annotate` and a restart of the
 * workload right after it are the first thing everybody does.
 */
export function createInjector(
  options: InjectorOptions,
): (request: AdmissionRequest) => Promise<Admission> {
  const { server, namespace, requests, responses, log } = options;
  const valuesOf = rememberLast(readValues);
  const isNews = createSeldom(EVENT_PERIOD_MS);

  return async ({ namespace: place, object }) => {
    const metadata = (object["metadata"] ?? {}) as Metadata;
    const isPod = object["kind"] === "Pod";
    const [values, anchors, around, owner] = await Promise.all([
      readText(join(options.configFolder, "values")).then(valuesOf),
      readText(options.anchors),
      readMetadata(server, `/api/v1/namespaces/${place}`),
      isPod ? findOwner(server, place, metadata) : undefined,
    ]);
    const kind = (owner?.kind ?? String(object["kind"])).toLowerCase();
    requests.add([kind, place]);
    const injection: Injection = {
      values: { ...values, identityTrustAnchorsPEM: anchors },
      namespace,
      createdBy: `linkerd/proxy-injector ${VERSION}`,
      trustRootSha256: createHash("sha256").update(anchors).digest("hex"),
      namespaceAnnotations: around.annotations ?? {},
      workloadNamespace: place,
      owner: owner && { kind, name: owner.name },
    };
    const verdict = admit(object, injection);
    responses.add([kind, place, ...labelsOf(verdict)]);
    if (isPod && owner !== undefined) {
      tell({ ...owner, namespace: place }, verdict);
    }
    return { allowed: true, patch: verdict.patch };
  };

  /** An event that cannot be written is no reason to keep a Pod waiting. */
  function tell(
    owner: Owner & { readonly namespace: string },
    verdict: Verdict,
  ): void {
    const words = wordsOf(verdict);
    const now = options.now();
    if (!isNews(`${owner.uid} ${words.message}`, now)) return;
    recordEvent(server, owner, {
      ...words,
      component: COMPONENT,
      now: new Date(now),
    }).catch((error) =>
      log.warn("event not recorded", { error: describe(error) })
    );
  }
}

function labelsOf(verdict: Verdict): readonly string[] {
  return verdict.done === "injected"
    ? [verdict.askedAt, "false", ""]
    : ["", String(verdict.patch.length === 0), verdict.reasons.join(",")];
}

function wordsOf(verdict: Verdict): { reason: string; message: string } {
  if (verdict.done === "injected") {
    return {
      reason: "Injected",
      message: "Linkerd sidecar proxy injected",
    };
  }
  const reasons = verdict.reasons.map((reason) =>
    reason === "unsupported_resource"
      ? "this resource kind is unsupported"
      : REASON_TEXT[reason]
  );
  return {
    reason: "InjectionSkipped",
    message: `Linkerd sidecar proxy injection skipped: ${reasons.join(", ")}`,
  };
}

/** `linkerd-config` as `linkerd install` writes it: without keys of certificates, and perhaps of an older version. */
function readValues(text: string): Values {
  const written: unknown = parse(text, { version: "1.1" });
  return parseValues(
    isMap(written) ? mergeValues(DEFAULT_VALUES, written) : written,
  );
}

/** Remembers the last answer: most texts are the same as before, and reading values takes milliseconds. */
function rememberLast<T>(compute: (text: string) => T): (text: string) => T {
  let last: { readonly text: string; readonly value: T } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, value: compute(text) };
    return last.value;
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Problem(
      "system.failed",
      `Cannot read the mesh's configuration: ${describe(cause)}`,
      { cause, hint: "linkerd check says what is missing" },
    );
  }
}
