import { findPath } from "../../certificates/check.ts";
import { type Certificate, readBundle } from "../../certificates/read.ts";
import { faults, fromBase64, whyInvalid, whyRenew } from "../certificates.ts";
import {
  bullets,
  type Category,
  type Check,
  failed,
  PASSED,
  SKIPPED,
  type Verdict,
} from "../check.ts";
import {
  MUTATING_WEBHOOKS,
  type Resource,
  SECRETS,
  VALIDATING_WEBHOOKS,
  type WebhookConfiguration,
} from "../objects.ts";
import type { Scene } from "../scene.ts";

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
      run: (scene) => isBelieved(webhook, scene),
    },
    {
      description: `${webhook.title} cert is valid for at least 60 days`,
      anchor: `l5d-${webhook.title}-webhook-cert-not-expiring-soon`,
      severity: "warning",
      run: async (scene) => {
        const tls = await readTls(webhook, scene);
        if (tls === undefined) return SKIPPED;
        const soon = whyRenew(tls.chain[0], scene.nowMs);
        return soon === undefined ? PASSED : failed(`certificate ${soon}`);
      },
    },
  ]),
};

/** The rules by which the API server verifies: dates, name, and a chain to the bundle that it was given. */
async function isBelieved(webhook: Webhook, scene: Scene): Promise<Verdict> {
  const tls = await readTls(webhook, scene);
  if (tls === undefined) return SKIPPED;
  const { chain: [server, ...between], anchors } = tls;
  const old = faults(anchors, (one) => whyInvalid(one, scene.nowMs));
  if (old.length > 0) {
    return failed(
      `anchors not within their validity period:\n${bullets(old)}`,
    );
  }
  const invalid = whyInvalid(server, scene.nowMs);
  if (invalid !== undefined) return failed(`certificate is ${invalid}`);
  const host = `linkerd-${webhook.title}.${scene.settings.namespace}.svc`;
  if (server.x509.checkHost(host) === undefined) {
    const names = server.x509.subjectAltName ?? "no name";
    return failed(
      `cert is not issued by the trust anchor: it is for ${names}, not for ${host}`,
    );
  }
  if (findPath([server], between, anchors) !== undefined) return PASSED;
  return failed(
    `cert is not issued by the trust anchor: no chain leads from "${server.name}" to the caBundle of ${
      configurationOf(webhook)
    }`,
  );
}

interface Tls {
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly anchors: readonly Certificate[];
}

/** What the webhook's server shows and what the API server believes; undefined where there need be neither. */
async function readTls(
  webhook: Webhook,
  { get, settings: { namespace } }: Scene,
): Promise<Tls | undefined> {
  const { title, resource, mayBeAbsent } = webhook;
  const [configuration, secret, old] = await Promise.all([
    get(resource, configurationOf(webhook)),
    get(SECRETS, `linkerd-${title}-k8s-tls`, namespace),
    get(SECRETS, `linkerd-${title}-tls`, namespace),
  ]);
  const data = secret?.data ?? old?.data;
  if (mayBeAbsent && (configuration === undefined || data === undefined)) {
    return undefined;
  }
  if (configuration === undefined) {
    throw new Error(`${configurationOf(webhook)} not found`);
  }
  const { webhooks = [] } = configuration;
  const [only] = webhooks;
  if (only === undefined || webhooks.length > 1) {
    throw new Error(`expected 1 webhooks, found ${webhooks.length}`);
  }
  const crt = data?.["tls.crt"] ?? data?.["crt.pem"];
  if (crt === undefined) {
    throw new Error(
      `Secret "linkerd-${title}-k8s-tls" with key tls.crt not found in namespace "${namespace}"`,
    );
  }
  const bundle = only.clientConfig.caBundle ?? "";
  return {
    chain: readBundle(fromBase64(crt), `the certificate of ${title}`),
    anchors: readBundle(
      fromBase64(bundle),
      `the caBundle of ${configurationOf(webhook)}`,
    ),
  };
}

function configurationOf({ title }: Webhook): string {
  return `linkerd-${title}-webhook-config`;
}
