import { create } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import {
  TrustAnchors,
  type TrustBundle,
  TrustBundleSchema,
} from "../../schemas/proto/gen/trust_pb.ts";

/** The bundle in force in PEM, then each that replaces it, until the signal aborts. */
export type WatchAnchors = (signal: AbortSignal) => AsyncIterable<string>;

/**
 * Registers `linkerd_ts.trust.TrustAnchors`: a rotation of anchors reaches proxies without a restart. Whoever asks may
 * know, for anchors are no secret; what counts is that the answer comes from an identity the asker trusts already.
 */
export function trustRoutes(
  watch: WatchAnchors,
): (router: ConnectRouter) => void {
  return (router) => {
    router.service(TrustAnchors, {
      watch: (_request, { signal }) => stream(watch(signal)),
    });
  };
}

async function* stream(
  bundles: AsyncIterable<string>,
): AsyncGenerator<TrustBundle> {
  for await (const anchors of bundles) {
    yield create(TrustBundleSchema, { anchors });
  }
}
