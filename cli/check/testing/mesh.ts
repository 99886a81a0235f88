import { createHash } from "node:crypto";
import { controlPlane } from "../../../install/control-plane.ts";
import { crds } from "../../../install/crds.ts";
import { DEFAULT_VALUES } from "../../../schemas/values/defaults.ts";
import { mergeValues } from "../../../schemas/values/merge.ts";
import type { Overrides, Values } from "../../../schemas/values.ts";
import {
  fillIssuer,
  type GivenCredentials,
  servedCertificates,
} from "../../install/credentials.ts";
import { renderYaml } from "../../render.ts";
import type { Deployment, Metadata, Pod } from "../objects.ts";
import type { FakeObject } from "./cluster.ts";

const NONE: GivenCredentials = {
  crtPEM: undefined,
  keyPEM: undefined,
  anchorsPEM: undefined,
};

/** Everything that is in a cluster whose mesh is well, its certificates made at `now` (milliseconds). */
export function healthyMesh(
  now: number,
  { overrides = {}, credentials = NONE }: {
    readonly overrides?: Overrides;
    readonly credentials?: GivenCredentials;
  } = {},
): FakeObject[] {
  const namespace = "linkerd";
  const values = fillIssuer(
    mergeValues(
      { ...DEFAULT_VALUES, enableHttpRoutes: true },
      overrides,
    ) as Values,
    credentials,
    namespace,
    now,
  );
  const installed = [
    ...crds(values, namespace),
    ...controlPlane({
      values,
      namespace,
      served: servedCertificates(values, namespace, now),
      trustRootSha256: createHash("sha256")
        .update(values.identityTrustAnchorsPEM).digest("hex"),
      yaml: renderYaml,
    }),
  ] as unknown as FakeObject[];
  const pods = installed.filter(({ kind }) => kind === "Deployment").map(
    (deployment) => podOf(deployment as unknown as Template),
  );
  return [...installed.map(served), ...pods];
}

/** What the API server says of an APIService once it has reached it. */
function served(object: FakeObject): FakeObject {
  if (object.kind !== "APIService") return object;
  const available = { type: "Available", status: "True", reason: "Passed" };
  return { ...object, status: { conditions: [available] } };
}

/** A Deployment with what its pods are made from. */
export interface Template extends Deployment {
  readonly spec: {
    readonly template: {
      readonly metadata: Omit<Metadata, "name">;
      readonly spec: Pod["spec"];
    };
  };
}

/** The one pod of a Deployment, as its kubelet would have it: running, all containers ready. */
export function podOf({ metadata, spec }: Template): Pod & FakeObject {
  const { template } = spec;
  const ready = ({ name }: { readonly name: string }) => ({
    name,
    ready: true,
    started: true,
    restartCount: 0,
    image: "",
    imageID: "",
    state: { running: { startedAt: "2026-01-01T00:00:00Z" } },
  });
  const ended = ({ name }: { readonly name: string }) => ({
    ...ready({ name }),
    state: { terminated: { exitCode: 0, reason: "Completed" } },
  });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...template.metadata,
      name: `${metadata.name}-abc`,
      namespace: metadata.namespace ?? "default",
    },
    spec: template.spec,
    status: {
      phase: "Running",
      podIP: "10.1.2.3",
      containerStatuses: template.spec.containers.map(ready),
      initContainerStatuses: (template.spec.initContainers ?? []).map((one) =>
        one.restartPolicy === "Always" ? ready(one) : ended(one)
      ),
    },
  };
}
