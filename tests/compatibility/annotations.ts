import { PROXY_ANNOTATIONS } from "../../install/inject/annotations.ts";
import { injectObject } from "../../install/inject/object.ts";
import { mergeValues } from "../../schemas/values/merge.ts";
import type { InjectionValues } from "../../schemas/values/proxy.ts";
import { INJECTION_DEFAULTS } from "../../schemas/values/proxy-defaults.ts";
import type { Overrides } from "../../schemas/values.ts";
import { judge, type State } from "./effect.ts";
import { OTHER_ANNOTATIONS, POD_ANNOTATIONS } from "./linkerd-annotations.ts";
import { TRACING } from "./samples.ts";
import { isSaid } from "./sources.ts";

/** One name of Linkerd's and what has become of it. */
export interface Row extends State {
  readonly name: string;
}

/** Where ours means something else, on purpose. */
const DIFFERS: Readonly<Record<string, string>> = {
  "config.linkerd.io/pod-inbound-ports":
    "has the effect that Linkerd's documentation promises and its injector overwrites",
};

/** Annotations of pods that the control plane reads, by the name that its code has for them. */
const READ_BY_CONTROL: Readonly<Record<string, string>> = {
  "config.linkerd.io/proxy-require-identity-inbound-ports":
    "ANNOTATIONS.requireIdentityPorts",
};

/** Annotations that configure a pod's proxy: each is tried on a pod. */
export function podAnnotationRows(): Row[] {
  const known = new Set(PROXY_ANNOTATIONS.map(({ key }) => key));
  return POD_ANNOTATIONS.map(([key, value]) => {
    const twice = POD_ANNOTATIONS.filter(([one]) => one === key).length > 1;
    const name = twice ? `${key}: ${value}` : key;
    if (!known.has(key)) return { name, state: "not yet" };
    const reader = READ_BY_CONTROL[key];
    if (reader !== undefined && isSaid(reader, ["control/"])) {
      return { name, state: "done" };
    }
    const sample = key.replace("<name>", "team");
    const found = judge(
      inject({}, NEEDED[key]),
      inject({ [sample]: value }, NEEDED[key]),
    );
    const why = DIFFERS[key];
    return why === undefined || found.state !== "done"
      ? { name, ...found }
      : { name, state: "differs", why };
  });
}

/** Annotations that no injection reads: done where our code says the name. */
export function otherAnnotationRows(): { title: string; rows: Row[] }[] {
  return Object.entries(OTHER_ANNOTATIONS).map(([title, names]) => ({
    title,
    rows: names.map((name): Row => ({
      name,
      state: isSaid(name, ["control/", "install/", "schemas/", "cli/"])
        ? "done"
        : "not yet",
    })),
  }));
}

/** What an install must have for an annotation to mean anything. */
const NEEDED: Readonly<Record<string, Overrides>> = {
  "config.alpha.linkerd.io/proxy-wait-before-exit-seconds": {
    proxy: { nativeSidecar: false },
  },
  "config.linkerd.io/close-wait-timeout": { proxyInit: { runAsRoot: true } },
  "resource.opentelemetry.io/<name>": {
    proxy: { tracing: { ...TRACING, enabled: true } },
  },
};

/** A pod with everything an annotation may be about, injected; of its metadata only what injection decides. */
function inject(
  annotations: Readonly<Record<string, string>>,
  needed: Overrides = {},
): unknown {
  const { object } = injectObject({
    kind: "Pod",
    metadata: {
      name: "web",
      annotations: {
        "config.linkerd.io/enable-debug-sidecar": "true",
        ...annotations,
      },
    },
    spec: {
      containers: [{
        name: "web",
        image: "nginx",
        ports: [{ containerPort: 8080 }],
      }],
    },
  }, {
    values: mergeValues(INJECTION_DEFAULTS, needed) as InjectionValues,
    namespace: "linkerd",
    createdBy: "linkerd/cli",
    trustRootSha256: "",
    manual: true,
    ingress: false,
    overrides: {},
  });
  return object["spec"];
}
