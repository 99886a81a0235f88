import type { Install } from "../../install/context.ts";
import { controlPlane } from "../../install/control-plane.ts";
import { crds } from "../../install/crds.ts";
import { injectObject } from "../../install/inject/object.ts";
import { Problem } from "../../schemas/problem.ts";
import type { Schema } from "../../schemas/values/check.ts";
import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import { mergeValues } from "../../schemas/values/merge.ts";
import {
  type Overrides,
  type Values,
  ValuesSchema,
} from "../../schemas/values.ts";
import type { Row } from "./annotations.ts";
import { judge, type State, UNREAD } from "./effect.ts";
import { LINKERD_VALUES } from "./linkerd-values.ts";
import { BASES, sampleOf } from "./samples.ts";
import { isSaid } from "./sources.ts";

/** A value with what it is when nobody says anything. */
export interface ValueRow extends Row {
  readonly otherwise: string;
}

const OWN_IMAGES =
  "the default is our own image: no foreign one is pulled by mistake";
const SILENT = "understood, and without effect: nothing is reported to anyone";

const PATIENT =
  "five seconds, not one: what waits for a processor is not dead ([0126](decisions/0126-control-plane-is-given-five-seconds-to-answer.md))";

/** Where ours means something else, on purpose. */
const DIFFERS: Readonly<Record<string, string>> = {
  "controllerImage": OWN_IMAGES,
  "debugContainer.image.name": OWN_IMAGES,
  "proxy.image.name": OWN_IMAGES,
  "disableHeartBeat": SILENT,
  "heartbeat": SILENT,
  "heartbeatResources": SILENT,
  "heartbeatSchedule": SILENT,
  "destinationController.livenessProbe.timeoutSeconds": PATIENT,
  "identity.livenessProbe.timeoutSeconds": PATIENT,
  "policyController.livenessProbe.timeoutSeconds": PATIENT,
  "proxyInjector.livenessProbe.timeoutSeconds": PATIENT,
  "spValidator.livenessProbe.timeoutSeconds": PATIENT,
  "enableEndpointSlices": "only true: discovery reads nothing else",
  "enablePSP": "only false: Kubernetes has no PodSecurityPolicy since 1.25",
  "enablePprof": "only false: our components are no Go programs",
  "enableTcpRoutes":
    "only false: these are in Gateway API's experimental channel",
  "enableTlsRoutes":
    "only false: these are in Gateway API's experimental channel",
};

const CREDENTIALS = "cli/install/credentials.ts";
/** Values that are read before manifests are made, and by which code. */
const READ_BY: Readonly<Record<string, string>> = {
  highAvailability: "cli/check/",
  "policyValidator.crtPEM": CREDENTIALS,
  "policyValidator.keyPEM": CREDENTIALS,
  "tap.crtPEM": CREDENTIALS,
  "tap.keyPEM": CREDENTIALS,
  "profileValidator.crtPEM": CREDENTIALS,
  "profileValidator.keyPEM": CREDENTIALS,
  "proxyInjector.crtPEM": CREDENTIALS,
  "proxyInjector.keyPEM": CREDENTIALS,
};

/** Every value of Linkerd's charts: each is changed, and what that changes in manifests is judged. */
export function valueRows(): ValueRow[] {
  return LINKERD_VALUES.map((name) => {
    const schema = schemaOf(name);
    const otherwise = show(at(DEFAULT_VALUES, name));
    if (schema === undefined) return { name, otherwise, state: "not yet" };
    const why = DIFFERS[name];
    return why === undefined
      ? { name, otherwise, ...stateOf(name, schema) }
      : { name, otherwise, state: "differs", why };
  });
}

/** Values of ours that Linkerd does not have. */
export function ownValues(): string[] {
  return leavesOf(ROOT_SCHEMA, "").filter((path) =>
    !LINKERD_VALUES.includes(path)
  );
}

function stateOf(name: string, schema: Schema): State {
  if (schema.const !== undefined) {
    return { state: "not yet", why: `only ${schema.description}` };
  }
  const reader = READ_BY[name];
  if (reader !== undefined) {
    return isSaid(name.split(".").at(-1) ?? "", [reader])
      ? { state: "done" }
      : { state: "not yet", why: UNREAD };
  }
  let found: State = { state: "not yet", why: UNREAD };
  for (const { values, rendered } of INSTALLS) {
    const sample = sampleOf(name, schema, at(values, name));
    const state = judge(rendered, render(mergeValues(values, sample)));
    if (state.state !== "not yet") return state;
    if (found.why === UNREAD) found = state;
  }
  return found;
}

/** Objects that keep values without reading them. */
const KEEPERS = ["linkerd-config", "linkerd-config-overrides"];

/** All that values make: the control plane but for the objects that hold values themselves, custom resources, a pod. */
function render(merged: Overrides): unknown {
  const values = merged as Values;
  const served = { crtPEM: "c", keyPEM: "k", caBundle: "b" };
  const install: Install = {
    values,
    namespace: "linkerd",
    served: {
      proxyInjector: served,
      profileValidator: served,
      policyValidator: served,
      tap: served,
    },
    trustRootSha256: "",
    yaml: () => "",
  };
  try {
    return {
      controlPlane: controlPlane(install)
        .filter(({ metadata }) => !KEEPERS.includes(metadata.name)),
      crds: crds(values, "linkerd"),
      pod: injected(values),
    };
  } catch (error) {
    // Values that contradict each other were read, too.
    if (error instanceof Problem) return { refused: error.message };
    throw error;
  }
}

function injected(values: Values): unknown {
  const pod = {
    kind: "Pod",
    metadata: {
      name: "web",
      annotations: { "config.linkerd.io/enable-debug-sidecar": "true" },
    },
    spec: { containers: [{ name: "web", image: "nginx" }] },
  };
  return injectObject(pod, {
    values,
    namespace: "linkerd",
    createdBy: "",
    trustRootSha256: "",
    manual: true,
    ingress: false,
    overrides: {},
  }).object;
}

/** What a value's change is compared with. */
const INSTALLS = BASES.map((base) => {
  const values = mergeValues(DEFAULT_VALUES, base);
  return { values, rendered: render(values) };
});

const ROOT_SCHEMA = ValuesSchema as unknown as Schema;

function schemaOf(path: string): Schema | undefined {
  return path.split(".").reduce<Schema | undefined>(
    (schema, key) => schema?.properties?.[key],
    ROOT_SCHEMA,
  );
}

function leavesOf({ properties }: Schema, path: string): string[] {
  if (properties === undefined) return [path];
  return Object.entries(properties).flatMap(([key, inner]) =>
    leavesOf(inner, path === "" ? key : `${path}.${key}`)
  );
}

function at(values: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>(
    (under, key) => (under as Record<string, unknown> | undefined)?.[key],
    values,
  );
}

function show(value: unknown): string {
  return value === undefined ? "unset" : `\`${JSON.stringify(value)}\``;
}
