import { type Check, failed, PASSED, type Verdict } from "../check.ts";
import type { KubeItem } from "../objects.ts";
import { dataPlanePods } from "../pods.ts";
import { SERVICES } from "../resources.ts";
import { type Scene, titleOf } from "../scene.ts";
import { findOpaquePorts } from "./opaque-ports.ts";

/** Labels that only mean something as annotations. */
const ANNOTATION_LIKE =
  /^(linkerd\.io\/inject$|config\.linkerd\.io\/|config\.alpha\.linkerd\.io\/)/;
/** The annotation that only means something as a label. */
const LABEL_LIKE = "mirror.linkerd.io/exported";

export const POD_LABELS: Check = {
  description: "data plane pod labels are configured correctly",
  anchor: "l5d-data-plane-pod-labels",
  severity: "warning",
  run: async (scene) =>
    told(
      "Some labels on data plane pods should be annotations:",
      await dataPlanePods(scene),
      mistakenLabels,
    ),
};

export const SERVICE_LABELS: Check = {
  description: "data plane service labels are configured correctly",
  anchor: "l5d-data-plane-services-labels",
  severity: "warning",
  run: async (scene) =>
    told(
      "Some labels on data plane services should be annotations:",
      await services(scene),
      mistakenLabels,
    ),
};

export const SERVICE_ANNOTATIONS: Check = {
  description: "data plane service annotations are configured correctly",
  anchor: "l5d-data-plane-services-annotations",
  severity: "warning",
  run: async (scene) =>
    told(
      "Some annotations on data plane services should be labels:",
      await services(scene),
      ({ metadata }) =>
        LABEL_LIKE in (metadata.annotations ?? {}) ? [LABEL_LIKE] : [],
    ),
};

export const OPAQUE_PORTS: Check = {
  description: "opaque ports are properly annotated",
  anchor: "linkerd-opaque-ports-definition",
  severity: "warning",
  run: findOpaquePorts,
};

function services({ list, settings: { dataPlaneNamespace } }: Scene) {
  return list(SERVICES, { namespace: dataPlaneNamespace });
}

function mistakenLabels({ metadata }: KubeItem): string[] {
  return Object.keys(metadata.labels ?? {}).filter((label) =>
    ANNOTATION_LIKE.test(label)
  );
}

function told(
  title: string,
  objects: readonly KubeItem[],
  mistakes: (object: KubeItem) => readonly string[],
): Verdict {
  const found = objects.flatMap((object) => {
    const keys = mistakes(object);
    return keys.length === 0 ? [] : [
      `\t* ${titleOf(object)}\n${keys.map((key) => `\t\t${key}`).join("\n")}`,
    ];
  });
  return found.length === 0 ? PASSED : failed([title, ...found].join("\n"));
}
