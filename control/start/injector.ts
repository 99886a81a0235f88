import type { InjectorConfig } from "../config/webhooks.ts";
import {
  createInjector,
  REQUEST_LABELS,
  RESPONSE_LABELS,
} from "../injector.ts";
import type { Log } from "../log.ts";
import { createAdmission } from "../serve/admission.ts";
import { createDrain } from "../serve/drain.ts";
import { serveHttps } from "../serve/https.ts";
import { startAdmin } from "./admin.ts";
import { type Running, startWith } from "./running.ts";

/** Starts the webhook that gives pods their proxies; throws `config.invalid` without a certificate to serve with. */
export function startInjector(
  config: InjectorConfig,
  log: Log,
): Promise<Running> {
  return startWith(async (closing) => {
    const admin = startAdmin(config, closing);
    const { metrics } = admin;
    const decide = createInjector({
      ...config,
      requests: metrics.counter(
        "proxy_inject_admission_requests_total",
        "Objects the API server asked about.",
        REQUEST_LABELS,
      ),
      responses: metrics.counter(
        "proxy_inject_admission_responses_total",
        "Objects by what was done with them.",
        RESPONSE_LABELS,
      ),
      log,
      now: Date.now,
    });
    const { fetch, drain } = createDrain(createAdmission(decide).fetch);
    const webhook = await serveHttps({
      address: config.address,
      folder: config.certificate,
      fetch,
      log,
    });
    closing(webhook.close);
    admin.setReady();
    // Ready to the end: while all replicas end at once, Kubernetes asks those of them that say so.
    closing(() => drain(config.drainMs));
    return { webhook: webhook.port, admin: admin.port };
  });
}
