import { expect, test } from "bun:test";
import { runLinkerd } from "../cli/inject/testing/run.ts";
import { parseConfig as parseControl } from "../control/config.ts";
import { parseConfig as parseProxy } from "../proxy/config.ts";
import { parseOptions } from "../proxy/init/options.ts";
import { describe as say } from "../schemas/problem.ts";

/** What kubelet adds to a pod's environment. */
const IN_CLUSTER = {
  KUBERNETES_SERVICE_HOST: "10.96.0.1",
  KUBERNETES_SERVICE_PORT: "443",
};

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: {
      readonly fieldRef?: { readonly fieldPath: string };
      readonly configMapKeyRef?: {
        readonly name: string;
        readonly key: string;
      };
    };
  }[];
}
interface Printed {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly Container[];
        readonly initContainers: readonly Container[];
      };
    };
  };
}

const { stdout } = await runLinkerd(
  "install",
  "--ignore-cluster",
  "--ha",
  "-o",
  "json",
);
const objects = stdout.trimEnd().split("\n").map((line): Printed =>
  JSON.parse(line)
);
const pods = objects.filter(({ kind }) => kind === "Deployment").map((
  { metadata, spec },
) => ({
  name: metadata.name,
  containers: [
    ...spec?.template.spec.initContainers ?? [],
    ...spec?.template.spec.containers ?? [],
  ],
}));

/** Fields of a pod as kubelet fills them in. */
const FIELDS: Readonly<Record<string, string>> = {
  "metadata.name": "linkerd-identity-0",
  "metadata.namespace": "linkerd",
  "metadata.uid": "d9c2ea6b-9d0b-4b4b-8f5f-0f5b6f0a3f0a",
  "status.podIP": "10.1.0.4",
  "status.podIPs": "10.1.0.4",
  "spec.nodeName": "node",
  "spec.serviceAccountName": "linkerd-identity",
};

/** The environment that kubelet makes of a container: references resolved, `$(name)` of what came before replaced. */
function environmentOf({ env = [] }: Container): Record<string, string> {
  const made: Record<string, string> = {};
  for (const { name, value, valueFrom } of env) {
    const { fieldRef, configMapKeyRef } = valueFrom ?? {};
    const text = fieldRef !== undefined
      ? FIELDS[fieldRef.fieldPath]
      : configMapKeyRef !== undefined
      ? objects.find(({ metadata, kind }) =>
        kind === "ConfigMap" && metadata.name === configMapKeyRef.name
      )?.data?.[configMapKeyRef.key]
      : value;
    if (text === undefined) throw new Error(`${name} has no value`);
    made[name] = text.replace(
      /\$\(([A-Za-z0-9_]+)\)/g,
      (whole, other: string) => made[other] ?? whole,
    );
  }
  return made;
}

test.each(pods.map(({ name }) => name))(
  "the proxy of %s takes the environment that install writes",
  (name) => {
    const pod = pods.find((one) => one.name === name);
    const proxy = pod?.containers.find((one) => one.name === "linkerd-proxy");
    if (proxy === undefined) throw new Error(`${name} has no proxy`);
    let said = "";
    try {
      parseProxy(environmentOf(proxy));
    } catch (error) {
      said = say(error);
    }
    expect(said).toBe("");
    const init = pod?.containers.find((one) => one.name === "linkerd-init");
    const options = parseOptions(init?.args ?? []);
    expect(JSON.stringify(options)).toContain("6443");
  },
);

test("the identity program takes the arguments that install writes", () => {
  const config = parseControl(argsOf("identity"), IN_CLUSTER);
  expect(config).toMatchObject({
    program: "identity",
    realm: { controlNamespace: "linkerd", trustDomain: "cluster.local" },
    lifetime: { lifetimeMs: 24 * 3_600_000, skewMs: 20_000 },
    tokens: { kind: "kube" },
  });
});

test.each([
  ["destination", "destination"],
  ["proxy-injector", "proxy-injector"],
  ["sp-validator", "sp-validator"],
  ["policy", "policy-validator"],
])(
  "the container %s runs a program that takes its arguments",
  (container, program) => {
    expect(parseControl(argsOf(container), IN_CLUSTER)).toMatchObject({
      program,
    });
  },
);

function argsOf(container: string): readonly string[] {
  const found = pods.flatMap(({ containers }) => containers).find(({ name }) =>
    name === container
  );
  return found?.args ?? [];
}
