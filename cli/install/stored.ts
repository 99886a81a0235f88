import { Buffer } from "node:buffer";
import type { ServedName } from "../../install/context.ts";
import { DEFAULT_VALUES } from "../../schemas/values/defaults.ts";
import { isMap, mergeValues } from "../../schemas/values/merge.ts";
import type { Overrides } from "../../schemas/values.ts";
import { tlsSecretName } from "../../install/served.ts";
import type { KeyPair } from "../certificates/make.ts";
import { readBundle, readKey } from "../certificates/read.ts";
import type { Cluster } from "../cluster.ts";
import { getOrUndefined } from "../cluster/list.ts";
import type { World } from "../command.ts";
import { parsePart } from "../document.ts";
import { readSources, splitDocuments } from "../manifest.ts";
import { Refusal } from "../refusal.ts";
import { type KeptCertificates, SERVICES } from "./credentials.ts";

/** The texts of a Secret or ConfigMap of the control plane's namespace, by key; undefined when there is none. */
export type ReadObject = (
  plural: "secrets" | "configmaps",
  name: string,
) => Promise<ReadonlyMap<string, string> | undefined>;

/** Reads from a cluster. */
export function readingCluster(
  cluster: Cluster,
  namespace: string,
): ReadObject {
  return async (plural, name) => {
    const path = `/api/v1/namespaces/${namespace}/${plural}/${name}`;
    const found = await getOrUndefined(cluster, path);
    return found === undefined ? undefined : textsOf(found);
  };
}

/** Reads from manifests, as `kubectl get -o yaml` prints them. Throws what reading and parsing them throws. */
export async function readingManifests(
  name: string,
  namespace: string,
  world: World,
): Promise<ReadObject> {
  const objects = new Map<string, ReadonlyMap<string, string>>();
  for (const source of await readSources(name, world)) {
    for (const part of splitDocuments(source)) {
      const { value } = parsePart(part);
      const items = isMap(value) && value["kind"] === "List"
        ? value["items"]
        : [value];
      for (const item of Array.isArray(items) ? items.filter(isMap) : []) {
        const { kind, metadata } = item;
        if (!isMap(metadata) || metadata["namespace"] !== namespace) continue;
        const plural = `${String(kind).toLowerCase()}s`;
        const key = `${plural}/${metadata["name"]}`;
        objects.set(key, textsOf(item));
      }
    }
  }
  return (plural, name) => Promise.resolve(objects.get(`${plural}/${name}`));
}

const OVERRIDES = "linkerd-config-overrides";

/** What an install was told, over the defaults of this version. Throws `Refusal` with `advice` when nobody knows. */
export async function readStoredValues(
  read: ReadObject,
  advice: string,
): Promise<Overrides> {
  const secret = await read("secrets", OVERRIDES);
  if (secret === undefined) {
    throw new Refusal(`Could not find the ${OVERRIDES} secret.\n${advice}\n`);
  }
  const text = secret.get(OVERRIDES);
  if (text === undefined) {
    throw new Refusal(
      `failed to load stored values: secret/${OVERRIDES} is missing ${OVERRIDES} data\n`,
    );
  }
  const { value } = parsePart({
    source: `secret/${OVERRIDES}`,
    number: 1,
    line: 0,
    text,
  });
  return mergeValues(DEFAULT_VALUES, isMap(value) ? value : {});
}

/** Time left to a certificate of a webhook under which an upgrade makes a new one: upgrades come every few months. */
const KEEP_MS = 120 * 24 * 3_600_000;

/** Certificates that what the API server calls has and that will do for a while at `now` (milliseconds): those that sign themselves. */
export async function readKeptCertificates(
  read: ReadObject,
  namespace: string,
  now: number,
): Promise<KeptCertificates> {
  const kept = await Promise.all(
    Object.entries(SERVICES).map(async ([name, service]) => {
      const secret = await read("secrets", tlsSecretName(service));
      const pair = {
        crtPEM: secret?.get("tls.crt") ?? "",
        keyPEM: secret?.get("tls.key") ?? "",
      };
      const host = `${service}.${namespace}.svc`;
      return [name as ServedName, pair, isGood(pair, host, now)] as const;
    }),
  );
  return Object.fromEntries(
    kept.filter(([, , good]) => good).map(([name, pair]) => [name, pair]),
  );
}

function isGood(
  { crtPEM, keyPEM }: KeyPair,
  host: string,
  now: number,
): boolean {
  try {
    const [{ x509, key, notAfterMs }] = readBundle(crtPEM, host);
    return x509.verify(key) && x509.checkHost(host) === host &&
      x509.checkPrivateKey(readKey(keyPEM, host)) && notAfterMs - now > KEEP_MS;
  } catch {
    return false; // damaged, or none: a new one is made
  }
}

/** The texts of a Secret or ConfigMap, by key. */
function textsOf(
  { kind, data, stringData }: Readonly<Record<string, unknown>>,
): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(isMap(data) ? data : {})) {
    const text = String(value);
    texts.set(
      key,
      kind === "Secret" ? Buffer.from(text, "base64").toString() : text,
    );
  }
  for (
    const [key, value] of Object.entries(isMap(stringData) ? stringData : {})
  ) {
    texts.set(key, String(value));
  }
  return texts;
}
