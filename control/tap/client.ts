import type { SecureClientSessionOptions } from "node:http2";
import { createClient } from "@connectrpc/connect";
import {
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { formatAddress } from "../../schemas/address.ts";
import {
  type ObserveRequest,
  Tap,
  type TapEvent as ProxyEvent,
} from "../../schemas/proto/gen/tap_pb.ts";
import type { TapPod } from "./pods.ts";

/** A connection to one proxy's tap. */
export interface ProxyTap {
  /** Events until the proxy has shown as many requests as it is asked for; `answered` is called when it says anything at all. */
  observe(
    request: ObserveRequest,
    signal: AbortSignal,
    answered: () => void,
  ): AsyncIterable<ProxyEvent>;
  close(): void;
}

export type ConnectTap = (pod: TapPod) => ProxyTap;

/** An event has the header fields of a message, 64 KiB unless a proxy is told otherwise, and little besides. */
const MAX_EVENT_BYTES = 256 * 1_024;

/** How a connection is made, where it is not to the pod's own address. */
export type Dial = (
  pod: TapPod,
) => Pick<SecureClientSessionOptions, "createConnection">;

/**
 * Taps over gRPC in plaintext, which the proxy beside this program turns into mutual TLS with the proxy whose name the pod
 * has, or none at all.
 */
export function connectGrpc(dial: Dial = () => ({})): ConnectTap {
  return (pod) => {
    const [ip = ""] = pod.ips;
    const baseUrl = `http://${formatAddress({ ip, port: pod.port })}`;
    const sessionManager = new Http2SessionManager(baseUrl, {}, dial(pod));
    const client = createClient(
      Tap,
      createGrpcTransport({
        baseUrl,
        sessionManager,
        readMaxBytes: MAX_EVENT_BYTES,
      }),
    );
    const headers = pod.identity === null
      ? {}
      : { "l5d-require-id": pod.identity };
    return {
      observe: (request, signal, answered) =>
        client.observe(request, { signal, headers, onHeader: answered }),
      close: () => sessionManager.abort(),
    };
  };
}
