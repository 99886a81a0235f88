import { LABELS } from "../../../schemas/names.ts";
import { type Access, kubectl, tryKubectl } from "../kubectl.ts";

/** What a CustomResourceDefinition says, as far as it is asked here. */
export interface Definition {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string };
    readonly versions: readonly {
      readonly name: string;
      readonly storage: boolean;
    }[];
  };
}

/** Whether an install brought it. */
export function isInstalled(
  { metadata: { labels = {} } }: Definition,
): boolean {
  return labels[LABELS.controlPlaneNamespace] !== undefined;
}

/**
 * Deletes CustomResourceDefinitions with all their objects. It asks for the objects first: an API server that nobody
 * has asked for them may take minutes else (docs/decisions/0124).
 */
export async function deleteKinds(
  access: Access,
  chosen: (one: Definition) => boolean,
): Promise<void> {
  const text = await kubectl(access, ["get", "crd", "-o", "json"]);
  const { items } = JSON.parse(text) as { readonly items: Definition[] };
  const found = items.filter(chosen);
  if (found.length === 0) return;
  // One that is on its way out already may not answer any more.
  const ask = (path: string) => tryKubectl(access, ["get", "--raw", path]);
  await Promise.all(found.map((one) => ask(pathOf(one))));
  const names = found.map(({ metadata }) => metadata.name);
  await kubectl(access, ["delete", "--ignore-not-found", "crd", ...names]);
}

/** Where the objects are listed in the version that is stored; nobody has the name. */
function pathOf({ spec: { group, names, versions } }: Definition): string {
  const stored = versions.find(({ storage }) => storage);
  return `/apis/${group}/${stored?.name}/${names.plural}?fieldSelector=metadata.name%3Dnone`;
}
