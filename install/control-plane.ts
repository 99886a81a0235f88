import { config, overrides } from "./config.ts";
import type { Install } from "./context.ts";
import { destination, destinationAccess } from "./destination.ts";
import { identity, identityAccess } from "./identity.ts";
import { injector, injectorAccess } from "./injector.ts";
import type { Manifest } from "./manifest.ts";
import { metrics, metricsAccess, metricsApis } from "./metrics.ts";
import { namespace } from "./namespace.ts";
import { podMonitors } from "./pod-monitor.ts";
import { policyAccess } from "./policy.ts";
import { injectorWebhook, validatorWebhooks } from "./webhooks.ts";

/**
 * Every object of the control plane, in the order to apply them: what others name comes first. Throws `config.invalid`
 * on values that contradict each other.
 */
export function controlPlane(install: Install): Manifest[] {
  return [
    namespace(install),
    ...identityAccess(install),
    ...destinationAccess(install),
    ...validatorWebhooks(install),
    ...policyAccess(install),
    ...podMonitors(install),
    ...injectorAccess(install),
    ...injectorWebhook(install),
    ...metricsAccess(install),
    ...config(install),
    ...identity(install),
    ...destination(install),
    ...injector(install),
    ...metrics(install),
    ...metricsApis(install),
    overrides(install),
  ];
}
