import type { SocketAddress } from "../../schemas/address.ts";
import type { Problem } from "../../schemas/problem.ts";
import type { Caller } from "../authorize.ts";
import type { Lease } from "../http/http1-pool.ts";
import type {
  ClientConnection,
  ClientStream,
  RequestHead,
  ResponseReader,
} from "../http/message.ts";
import type { Applications } from "../inbound/apps.ts";

/** Begins one request to an application that is in this process; `ended`: it has no body. */
export type Calling = (
  head: RequestHead,
  ended: boolean,
  reader: ResponseReader,
  caller: Caller,
) => ClientStream;

/** An application of the pod that is in this process, so that nothing is dialled; `notHttp` refuses all that is not HTTP. */
export function createInsideApps(
  calling: Calling,
  notHttp: Problem,
): Applications {
  return {
    take(address: SocketAddress, caller: Caller) {
      const connection = connectInside((head, ended, reader) =>
        calling(head, ended, reader, caller)
      );
      const acquire = (lease: Lease) => void lease.use(connection, false);
      return {
        address,
        http1: { acquire, acquireFresh: acquire, close() {} },
        http2: { ready: true, acquire, close() {} },
        release() {},
      };
    },
    open: () => Promise.reject(notHttp),
  };
}

function connectInside(request: ClientConnection["request"]): ClientConnection {
  return {
    ready: true,
    active: 0,
    closed: false,
    request,
    drain() {},
    destroy() {},
  };
}
