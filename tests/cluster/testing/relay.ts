import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A TCP relay on loopback: what is behind it can be made unreachable. */
export interface Relay {
  readonly port: number;
  /** Ends every connection and refuses new ones. */
  readonly cut: () => void;
  /** Lets connections through again. */
  readonly mend: () => void;
  readonly close: () => void;
}

/** Listens on a free port of loopback and relays to another port of it. */
export async function openRelay(target: number): Promise<Relay> {
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) return void client.destroy();
    const behind = connect(target, "127.0.0.1");
    for (const [one, other] of [[client, behind], [behind, client]] as const) {
      open.add(one);
      one.pipe(other);
      one.on("error", () => one.destroy());
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  const address = server.address();
  return {
    port: typeof address === "object" ? address?.port ?? 0 : 0,
    cut,
    mend: () => void (isCut = false),
    close: () => {
      cut();
      server.close();
    },
  };
}
