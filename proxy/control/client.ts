import { formatAddress } from "../../schemas/address.ts";
import { type GrpcCall, type GrpcReader, startCall } from "../grpc.ts";
import { StatusCode } from "../grpc/status.ts";
import type { ControlService, StreamLimits } from "../config/control.ts";
import type { Connector } from "./connector.ts";

/** Receives the answers of a call that may have to wait for its connection. */
export interface ControlReader extends GrpcReader {
  /** The request leaves now. */
  begun(): void;
}

/** One service of the control plane, however often its connection breaks. */
export interface ControlClient {
  /** Limits of the service's watch streams. */
  readonly limits: StreamLimits;
  /** Starts a call as soon as there is a connection, which may take until the service is back. */
  start(path: string, request: Uint8Array, reader: ControlReader): GrpcCall;
  /** Waits, but no longer than until the service answers somebody again after a failure; false when aborted or closed. */
  pause(delayMs: number, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

/** Calls that wait for a connection; as Linkerd's queue of a control client (facts 4.7). */
const MAX_WAITING = 1_000;
/** A connection without calls is given up: identity is asked once in hours, and then with newer credentials. */
const IDLE_MS = 10_000;

export function createControlClient(
  service: ControlService,
  connector: Connector,
): ControlClient {
  const authority = formatAddress({ ip: service.host, port: service.port });
  const sleepers = new Set<() => void>();
  /** True while the service says it is unavailable. */
  let failing = false;
  let active = 0;
  let idleTimer: ReturnType<typeof setTimeout> | null = null;
  let closed = false;

  function began(): void {
    active++;
    if (idleTimer !== null) clearTimeout(idleTimer);
    idleTimer = null;
  }

  function ended(): void {
    active--;
    if (active > 0 || closed) return;
    idleTimer = setTimeout(() => connector.release(), IDLE_MS);
  }

  function answered(): void {
    if (!failing) return;
    failing = false;
    for (const wake of sleepers) wake();
  }

  function start(
    path: string,
    request: Uint8Array,
    reader: ControlReader,
  ): GrpcCall {
    let over = false;
    let call: GrpcCall | null = null;
    const finish = (): void => {
      over = true;
      ended();
    };
    const listener: GrpcReader = {
      message(bytes) {
        answered();
        reader.message(bytes);
      },
      end(status) {
        finish();
        failing ||= status.code === StatusCode.unavailable;
        reader.end(status);
      },
    };
    began();
    const withdraw = connector.whenReady((connection) => {
      reader.begun();
      call = startCall(connection, { path, authority }, request, listener);
    });
    return {
      cancel() {
        if (over) return;
        finish();
        if (call === null) withdraw();
        else call.cancel();
      },
    };
  }

  return {
    limits: service.stream,
    start(path, request, reader) {
      const refusal = closed
        ? { code: StatusCode.cancelled, message: "the proxy is stopping" }
        : connector.waiting >= MAX_WAITING
        ? {
          code: StatusCode.resourceExhausted,
          message: `${MAX_WAITING} calls are waiting for ${service.host}`,
        }
        : null;
      if (refusal === null) return start(path, request, reader);
      const answer = setTimeout(() => reader.end(refusal), 0);
      return { cancel: () => clearTimeout(answer) };
    },
    pause(delayMs, signal) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const wake = (): void => {
        clearTimeout(timer);
        sleepers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve(!signal.aborted && !closed);
      };
      const timer = setTimeout(wake, delayMs);
      sleepers.add(wake);
      signal.addEventListener("abort", wake);
      if (signal.aborted || closed) wake();
      return promise;
    },
    close() {
      closed = true;
      if (idleTimer !== null) clearTimeout(idleTimer);
      connector.close();
      for (const wake of sleepers) wake();
    },
  };
}
