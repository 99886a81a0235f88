import { type Category, type Check, SKIPPED } from "../check.ts";
import type { WebhookConfiguration } from "../objects.ts";
import {
  MUTATING_WEBHOOKS,
  type Resource,
  VALIDATING_WEBHOOKS,
} from "../resources.ts";
import type { Scene } from "../scene.ts";
import {
  readServerPem,
  type Served,
  toServed,
  whetherBelieved,
  whetherLasting,
} from "../served.ts";

interface Webhook {
  /** As descriptions call it. */
  readonly title: string;
  readonly resource: Resource<WebhookConfiguration>;
  /** Older installs have none: nothing to check then. */
  readonly mayBeAbsent?: true;
}

const WEBHOOKS: readonly Webhook[] = [
  { title: "proxy-injector", resource: MUTATING_WEBHOOKS },
  { title: "sp-validator", resource: VALIDATING_WEBHOOKS },
  {
    title: "policy-validator",
    resource: VALIDATING_WEBHOOKS,
    mayBeAbsent: true,
  },
];

/** Whether the API server will believe the mesh's webhooks when it calls them. */
export const LINKERD_WEBHOOKS: Category = {
  name: "linkerd-webhooks-and-apisvc-tls",
  checks: WEBHOOKS.flatMap((webhook): readonly Check[] => [
    {
      description: `${webhook.title} webhook has valid cert`,
      anchor: `l5d-${webhook.title}-webhook-cert-valid`,
      severity: "fatal",
      run: async (scene) => {
        const served = await readServed(webhook, scene);
        if (served === undefined) return SKIPPED;
        const host = `linkerd-${webhook.title}.${scene.settings.namespace}.svc`;
        return whetherBelieved(served, host, scene.nowMs);
      },
    },
    {
      description: `${webhook.title} cert is valid for at least 60 days`,
      anchor: `l5d-${webhook.title}-webhook-cert-not-expiring-soon`,
      severity: "warning",
      run: async (scene) => {
        const served = await readServed(webhook, scene);
        return served === undefined
          ? SKIPPED
          : whetherLasting(served, scene.nowMs);
      },
    },
  ]),
};

/** Undefined where there need be no webhook. */
async function readServed(
  { title, resource, mayBeAbsent }: Webhook,
  scene: Scene,
): Promise<Served | undefined> {
  const name = `linkerd-${title}-webhook-config`;
  const [configuration, read] = await Promise.all([
    scene.get(resource, name),
    readServerPem(scene, [`linkerd-${title}-k8s-tls`, `linkerd-${title}-tls`]),
  ]);
  if (mayBeAbsent && (configuration === undefined || !("pem" in read))) {
    return undefined;
  }
  if (configuration === undefined) throw new Error(`${name} not found`);
  const { webhooks = [] } = configuration;
  const [only] = webhooks;
  if (only === undefined || webhooks.length > 1) {
    throw new Error(`expected 1 webhooks, found ${webhooks.length}`);
  }
  return toServed(title, read, only.clientConfig.caBundle, name);
}
