import type {
  Meta,
  RateLimit,
  RateLimitOverride,
} from "../../schemas/policy.ts";
import { readMeta } from "./common.ts";
import { readOnlyText } from "./endpoint.ts";
import type { Reader } from "./reader.ts";

/** An `inbound.HttpLocalRateLimit`. A limit of 0 lets nothing through; one that is absent is none. */
export function readRateLimit(reader: Reader): RateLimit {
  let meta: Meta = { kind: "default", name: "" };
  let totalPerSecond: number | null = null;
  let identityPerSecond: number | null = null;
  const overrides: RateLimitOverride[] = [];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        meta = reader.message(readMeta);
        break;
      case 2:
        totalPerSecond = reader.message(readLimit);
        break;
      case 3:
        identityPerSecond = reader.message(readLimit);
        break;
      case 4:
        overrides.push(reader.message(readOverride));
        break;
      default:
        reader.skip();
    }
  }
  return { meta, totalPerSecond, identityPerSecond, overrides };
}

function readLimit(reader: Reader): number {
  let perSecond = 0;
  while (reader.next()) {
    if (reader.field === 1) perSecond = reader.uint32();
    else reader.skip();
  }
  return perSecond;
}

function readOverride(reader: Reader): RateLimitOverride {
  let perSecond = 0;
  const identities = new Set<string>();
  while (reader.next()) {
    if (reader.field === 1) perSecond = reader.message(readLimit);
    else if (reader.field === 2) {
      reader.message((clients) => {
        while (clients.next()) {
          if (clients.field === 1) {
            identities.add(clients.message(readOnlyText));
          } else clients.skip();
        }
      });
    } else reader.skip();
  }
  return { perSecond, identities };
}
