import type {
  DescMessage,
  DescMethod,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { GrpcClient } from "./grpc.ts";
import { GrpcError } from "./status.ts";

/** How long a controller may take to answer one question. */
const ANSWER_MS = 30_000;

/** The first answer of a call, which is then left. Throws `GrpcError`. */
export async function first<I extends DescMessage, O extends DescMessage>(
  client: GrpcClient,
  method: DescMethod & { readonly input: I; readonly output: O },
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  const late = AbortSignal.timeout(ANSWER_MS);
  for await (const answer of client.call(method, request, late)) return answer;
  throw late.aborted
    ? new GrpcError("DeadlineExceeded", `no answer within ${ANSWER_MS} ms`)
    : new GrpcError("Unavailable", "the stream ended without an answer");
}
