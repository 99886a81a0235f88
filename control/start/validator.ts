import type { ValidatorConfig } from "../config/webhooks.ts";
import type { Log } from "../log.ts";
import { createAdmission } from "../serve/admission.ts";
import { serveHttps } from "../serve/https.ts";
import { validate } from "../validator.ts";
import { startAdmin } from "./admin.ts";
import { type Running, startWith } from "./running.ts";

/** Starts a webhook that refuses what cannot mean anything; throws `config.invalid` without a certificate to serve with. */
export function startValidator(
  config: ValidatorConfig,
  log: Log,
): Promise<Running> {
  return startWith(async (closing) => {
    const admin = startAdmin(config, closing);
    const reviews = admin.metrics.counter(
      "admission_reviews_total",
      "Objects the API server asked about, by the answer.",
      ["kind", "allowed"],
    );
    const webhook = await serveHttps({
      address: config.address,
      folder: config.certificate,
      fetch: createAdmission(async (request) => {
        const admission = await validate(request);
        reviews.add([request.kind, String(admission.allowed)]);
        return admission;
      }).fetch,
      log,
    });
    closing(webhook.close);
    admin.setReady();
    return { webhook: webhook.port, admin: admin.port };
  });
}
