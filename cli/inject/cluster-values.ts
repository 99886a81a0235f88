import { parse } from "yaml";
import { parseValues } from "../../schemas/values/check.ts";
import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import { isMap, mergeValues } from "../../schemas/values/merge.ts";
import type { Values } from "../../schemas/values.ts";
import { ApiError, type Cluster } from "../cluster.ts";
import { getOrUndefined, type KubeObject } from "../cluster/list.ts";
import { openCluster } from "../cluster/open.ts";
import type { World } from "../command.ts";
import type { Given } from "../flags.ts";
import { Refusal, saying } from "../refusal.ts";

/** The values of the control plane that is to inject, or whose proxies are to run. Throws `Refusal` without one. */
export async function readClusterValues(
  given: Given,
  world: World,
  namespace: string,
): Promise<Values> {
  const cluster = await open(given, world);
  const path = `/api/v1/namespaces/${namespace}/configmaps/linkerd-config`;
  const config = await getOrUndefined(cluster, path).catch(
    (thrown: unknown) => {
      const what = thrown instanceof ApiError
        ? "Cannot find Linkerd"
        : "Cannot connect to Kubernetes";
      throw refuse(what, saying(thrown));
    },
  );
  if (config === undefined) {
    throw refuse(
      "Cannot find Linkerd",
      `namespace "${namespace}" has no ConfigMap linkerd-config`,
    );
  }
  try {
    return readConfig(config);
  } catch (thrown) {
    throw refuse(
      "Cannot read ConfigMap linkerd-config",
      `${
        saying(thrown)
      }\nIs it of another version? --ignore-cluster goes by the defaults of this one.`,
    );
  }
}

async function open(given: Given, world: World): Promise<Cluster> {
  try {
    return await openCluster(given, world);
  } catch (thrown) {
    throw refuse("Cannot connect to Kubernetes", saying(thrown));
  }
}

function readConfig({ data }: KubeObject): Values {
  const text = isMap(data) ? data["values"] : undefined;
  const written: unknown = parse(String(text ?? ""), { version: "1.1" });
  return parseValues(
    isMap(written) ? mergeValues(DEFAULT_VALUES, written) : written,
  );
}

function refuse(what: string, why: string): Refusal {
  return new Refusal(
    `${what}: ${why}\nValidate the install with: 'linkerd check'\n`,
  );
}
