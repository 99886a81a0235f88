import { harmless } from "../../schemas/harmless.ts";
import { ANNOTATIONS, LABELS } from "../../schemas/names.ts";
import { ApiError } from "../cluster.ts";
import { type KubeObject, listAll } from "../cluster/list.ts";
import { openCluster } from "../cluster/open.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readNamespace } from "../namespace.ts";
import { readScope } from "./options.ts";

interface Pod extends KubeObject {
  readonly status?: { readonly phase?: string };
}

/** Whether live requests of a pod are shown to those who may ask. */
type Tap = "enabled" | "disabled" | "missing";

const TITLES: Readonly<Record<Tap, string>> = {
  enabled: "Pods with tap enabled:",
  disabled: "Pods with tap disabled:",
  missing: "Pods missing tap configuration (restart these pods to enable tap):",
};

/** Prints which meshed pods can be tapped. */
export async function runList(given: Given, world: World): Promise<Outcome> {
  const namespace = await readScope(given, world);
  const controlPlane = readNamespace(given, world);
  const cluster = await openCluster(given, world);
  const within = namespace === undefined ? "" : `/namespaces/${namespace}`;
  const [pods, namespaces] = await Promise.all([
    listAll<Pod>(cluster, `/api/v1${within}/pods`, {
      labelSelector: `${LABELS.controlPlaneNamespace}=${controlPlane}`,
    }),
    listAll(
      cluster,
      "/api/v1/namespaces",
      namespace === undefined
        ? {}
        : { fieldSelector: `metadata.name=${namespace}` },
    ).catch((thrown: unknown): KubeObject[] => {
      // Who may see pods of a namespace only goes by what the pods say.
      if (thrown instanceof ApiError) return [];
      throw thrown;
    }),
  ]);
  const off = new Set(
    namespaces.filter(isDisabled).map(({ metadata }) => metadata.name),
  );
  const living = pods.filter(({ status }) =>
    status?.phase !== "Succeeded" && status?.phase !== "Failed"
  );
  const sections = (["enabled", "disabled", "missing"] as const).flatMap(
    (tap) => {
      const names = living.filter((pod) => tapOf(pod, off) === tap).map((
        { metadata },
      ) => `\t* ${harmless(`${metadata.namespace}/${metadata.name}`)}\n`);
      return names.length === 0
        ? []
        : [`${TITLES[tap]}\n${names.sort().join("")}`];
    },
  );
  return {
    code: 0,
    stdout: [sections.join("\n") || "No meshed pods found\n"],
  };
}

/** Whoever does not want it is not tapped, whatever was injected; a namespace speaks for its pods when they are made. */
function tapOf(pod: Pod, off: ReadonlySet<string>): Tap {
  if (isDisabled(pod)) return "disabled";
  const { annotations = {}, namespace = "" } = pod.metadata;
  if (annotations[ANNOTATIONS.tapEnabled] === "true") return "enabled";
  return off.has(namespace) ? "disabled" : "missing";
}

function isDisabled({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[ANNOTATIONS.disableTap] === "true";
}
