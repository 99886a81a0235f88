import type { SocketAddress } from "../../schemas/address.ts";

/** An address of this host that policy does not take for the pod itself, as 127.0.0.1 is. */
const STRANGER = "127.0.0.3";

/** Listens for a client and passes its bytes on, as if they came from another host. */
export function relayFromAfar(
  to: SocketAddress,
): { readonly address: SocketAddress; close(): void } {
  const sockets: { terminate(): void }[] = [];
  const listener = Bun.listen<Promise<Bun.Socket>>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(near) {
        sockets.push(near);
        near.data = Bun.connect({
          hostname: to.ip,
          port: to.port,
          ...{ localAddress: STRANGER },
          socket: {
            data: (_far, chunk) => void near.write(chunk),
            close: (_far, error) =>
              void (error === undefined ? near.end() : near.terminate()),
          },
        });
        near.data.then((far) => sockets.push(far));
      },
      data: (near, chunk) => void near.data.then((far) => far.write(chunk)),
      close: (near) => void near.data.then((far) => far.end()),
    },
  });
  return {
    address: { ip: "127.0.0.1", port: listener.port },
    close() {
      listener.stop();
      for (const socket of sockets) socket.terminate();
    },
  };
}
