import type { ValidatorConfig } from "../config/webhooks.ts";
import type { Log } from "../log.ts";
import { createAdmission } from "../serve/admission.ts";
import { createDrain } from "../serve/drain.ts";
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
    const admission = createAdmission(async (request) => {
      const answer = await validate(request);
      reviews.add([request.kind, String(answer.allowed)]);
      return answer;
    });
    const { fetch, drain } = createDrain(admission.fetch);
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
