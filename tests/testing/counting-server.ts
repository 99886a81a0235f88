import type { Pod } from "../../demo/bed/pod.ts";
import { listenRaw, type RawSocket } from "./raw-socket.ts";

/** An HTTP/1.1 server that answers GET requests and counts them by connection. */
export interface HttpServer {
  /** Requests of each connection it has accepted. */
  requests(): number[];
  /** Every byte that it has received, over all connections. */
  heard(): string;
  close(): void;
}

/** Answers every request with `200` and `ok`, on all addresses of a pod. */
export function listenHttp(pod: Pick<Pod, "netns">, port: number): HttpServer {
  const counts = new Map<RawSocket, number>();
  const server = listenRaw(pod, port, (socket) => {
    counts.set(socket, 0);
    const serve = async (): Promise<void> => {
      for (let count = 1;; count++) {
        await socket.until((text) => heads(text) >= count);
        counts.set(socket, count);
        socket.write(OK);
      }
    };
    void serve().catch(() => socket.finish());
  });
  return {
    requests: () => [...counts.values()],
    heard: () => server.sockets.map((socket) => socket.text()).join(""),
    close: server.close,
  };
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** Complete request heads in what a connection has brought so far; requests here have no bodies. */
function heads(text: string): number {
  return text.split("\r\n\r\n").length - 1;
}
