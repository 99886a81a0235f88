/** Path of the gRPC method that is called. */
export const GRPC_PATH = "/bench.Echo/Unary";

const MESSAGE_BYTES = 32;

/** A gRPC message: a flag, a length of four bytes, and the content (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export function grpcMessage(): Uint8Array {
  const message = new Uint8Array(5 + MESSAGE_BYTES);
  message[4] = MESSAGE_BYTES;
  return message;
}
