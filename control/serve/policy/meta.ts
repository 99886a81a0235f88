import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Meta } from "../../../schemas/policy.ts";
import type { MetadataSchema } from "../../../schemas/proto/gen/meta_pb.ts";

/** What a policy, route or backend is named after, as a message. */
export function toMetadata(
  meta: Meta,
): MessageInitShape<typeof MetadataSchema> {
  return {
    kind: meta.kind === "default"
      ? { case: "default", value: meta.name }
      : { case: "resource", value: meta.resource },
  };
}
