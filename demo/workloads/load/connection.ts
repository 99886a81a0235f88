import { parseResponse, UNTIL_CLOSE } from "./response.ts";

/** One HTTP/1.1 connection that carries a request at a time and never repeats one: what is sent is what is counted. */
export interface Connection {
  /** False once the other side said or showed that no request may follow. */
  isOpen(): boolean;
  /** Sends a request and resolves with the status of its complete response; rejects when there will be none. */
  send(request: Uint8Array, method: string): Promise<number>;
  close(): void;
}

interface Waiting {
  readonly method: string;
  readonly resolve: (status: number) => void;
  readonly reject: (error: Error) => void;
}

/** Opens a connection; rejects when nobody answers at the address. */
export async function openConnection(
  hostname: string,
  port: number,
): Promise<Connection> {
  let received: Buffer = Buffer.alloc(0);
  let unsent: Uint8Array = EMPTY;
  let waiting: Waiting | null = null;
  let open = true;

  const settle = (outcome: number | Error): void => {
    const current = waiting;
    waiting = null;
    if (current === null) return;
    if (typeof outcome === "number") current.resolve(outcome);
    else current.reject(outcome);
  };
  const read = (): void => {
    if (waiting === null) {
      // Bytes that nobody asked for.
      open = received.length === 0 && open;
      return;
    }
    const response = parseResponse(received, waiting.method);
    if (response === null || response.length === UNTIL_CLOSE) return;
    received = received.subarray(response.length);
    if (!response.keepAlive || received.length > 0) open = false;
    settle(response.status);
  };
  const finish = (error: Error | null): void => {
    open = false;
    if (waiting === null) return;
    const response = error === null
      ? parseResponse(received, waiting.method)
      : null;
    settle(response?.status ?? error ?? new Error("closed"));
  };
  const guarded = (step: () => void): void => {
    try {
      step();
    } catch (error) {
      open = false;
      socket.terminate();
      settle(error as Error);
    }
  };
  const flush = (): void => {
    if (unsent.length > 0) unsent = unsent.subarray(socket.write(unsent));
  };

  const socket = await Bun.connect({
    hostname,
    port,
    socket: {
      data: (_socket, chunk) =>
        guarded(() => {
          received = received.length === 0
            ? Buffer.from(chunk)
            : Buffer.concat([received, chunk]);
          read();
        }),
      drain: flush,
      end: () => guarded(() => finish(null)),
      close: (_socket, error) => guarded(() => finish(error ?? null)),
      error: (_socket, error) => finish(error),
    },
  });

  return {
    isOpen: () => open,
    send: (request, method) =>
      new Promise((resolve, reject) => {
        waiting = { method, resolve, reject };
        unsent = request;
        flush();
      }),
    close: () => {
      open = false;
      socket.end();
    },
  };
}

const EMPTY = new Uint8Array(0);
