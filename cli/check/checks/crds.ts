import { LINKERD_CRDS } from "../../../install/crds.ts";
import {
  type Category,
  type Check,
  failed,
  PASSED,
  type Verdict,
} from "../check.ts";
import { CUSTOM_RESOURCES } from "../resources.ts";
import type { Scene } from "../scene.ts";

/** The mesh's own kinds are known to the cluster, in the version that is stored. */
export const CRDS_EXIST: Check = {
  description: "control plane CustomResourceDefinitions exist",
  anchor: "l5d-existence-crd",
  severity: "fatal",
  run: findCrds,
};

/** `--crds`: after `install --crds`, which may still be on its way. */
export const LINKERD_CRD: Category = {
  name: "linkerd-crd",
  checks: [{ ...CRDS_EXIST, retry: "quietly" }],
};

async function findCrds({ list }: Scene): Promise<Verdict> {
  const there = await list(CUSTOM_RESOURCES);
  const wrong = LINKERD_CRDS.flatMap(({ group, plural, versions }) => {
    const name = `${plural}.${group}`;
    const crd = there.find(({ metadata }) => metadata.name === name);
    if (crd === undefined) return [`missing ${name}`];
    const wanted = versions.at(-1)?.name;
    const has = crd.spec.versions.some((one) => one.name === wanted);
    return has ? [] : [`CRD ${name} is missing version ${wanted}`];
  });
  return wrong.length === 0 ? PASSED : failed(wrong.join(", "));
}
