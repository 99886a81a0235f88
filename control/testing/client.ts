import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import {
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";

/** A client with a connection of its own to a control API on loopback. */
export function connectTo<Service extends DescService>(
  service: Service,
  port: number | undefined,
): Client<Service> {
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  return createClient(
    service,
    createGrpcTransport({ baseUrl, sessionManager }),
  );
}
