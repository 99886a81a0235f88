import { Problem } from "../../schemas/problem.ts";
import type { SocketChannel } from "../socket.ts";
import { terminate } from "../terminate.ts";
import type { Credentials } from "../tls.ts";
import {
  type TransportHeader,
  TransportHeaderReader,
} from "../wire/transport-header.ts";

/** A connection that another proxy made to our own port: who it is and what it wants. */
export interface DirectConnection {
  readonly clientId: string;
  readonly header: TransportHeader;
}

/** Takes a direct connection: TLS at once, then the transport header; what follows stays in the channel. */
export function acceptDirect(
  channel: SocketChannel,
  credentials: Credentials,
  timeoutMs: number,
  done: (outcome: DirectConnection | Problem) => void,
): void {
  terminate(
    channel,
    credentials,
    { transportHeader: true, timeoutMs },
    (peer) => {
      if (peer instanceof Problem) return done(peer);
      const { id } = peer;
      if (id === null) {
        return refuse(
          "direct connections must be mutually authenticated",
        );
      }
      if (!peer.transportHeader) {
        return refuse(
          "direct connections require transport header negotiation",
        );
      }
      readHeader(
        channel,
        timeoutMs,
        (header) =>
          done(header instanceof Problem ? header : { clientId: id, header }),
      );
    },
  );

  function refuse(message: string): void {
    channel.destroy();
    done(new Problem("tls.refused", message));
  }
}

function readHeader(
  channel: SocketChannel,
  timeoutMs: number,
  done: (header: TransportHeader | Problem) => void,
): void {
  const reader = new TransportHeaderReader();
  let settled = false;
  const settle = (outcome: TransportHeader | Problem) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    if (outcome instanceof Problem) channel.destroy();
    done(outcome);
  };
  const timer = setTimeout(
    () =>
      settle(
        new Problem(
          "protocol.invalid",
          `No transport header within ${timeoutMs} ms`,
        ),
      ),
    timeoutMs,
  );
  const gone = () =>
    settle(
      new Problem(
        "protocol.invalid",
        "The peer left before its transport header",
      ),
    );
  channel.attach({
    data(chunk) {
      try {
        const received = reader.push(chunk);
        if (received === null) return;
        channel.unread(chunk.slice(received.consumed));
        settle(received.header);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        settle(error);
      }
    },
    end: gone,
    drain() {},
    close: gone,
  });
}
