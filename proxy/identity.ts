import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, Problem } from "../schemas/problem.ts";
import { createBackOff } from "./control/back-off.ts";
import type { ControlClient } from "./control/client.ts";
import type { Log } from "./control/connector.ts";
import { callUnary } from "./grpc.ts";
import { type RefreshBounds, refreshDelay } from "./identity/schedule.ts";
import { acceptChain, isVouchedFor } from "./identity/verify.ts";
import type { Credentials } from "./tls.ts";
import {
  decodeCertifyResponse,
  encodeCertifyRequest,
  type IssuedChain,
} from "./wire/identity.ts";

/** What the launcher has left in `IDENTITY_DIR`. */
export interface IdentityFiles {
  /** PKCS#8, DER. */
  readonly key: Uint8Array;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
}

/** Asks for a certificate; rejects when there is none to be had now. */
export type Certify = (
  request: {
    readonly identity: string;
    readonly token: Uint8Array;
    readonly csr: Uint8Array;
  },
  signal: AbortSignal,
) => Promise<IssuedChain>;

export interface IdentityOptions {
  readonly files: IdentityFiles;
  /** Our own name. */
  readonly name: string;
  /** PEM bundle to begin with. */
  readonly anchors: string;
  /** The certificate of an earlier start, if it is good still. */
  readonly kept: Credentials | null;
  /** Read anew for each request: kubelets replace it. */
  readonly tokenFile: string;
  readonly bounds: RefreshBounds;
  readonly certify: Certify;
  /** Called with each new certificate, the first one and the one kept included. */
  readonly certified: (credentials: Credentials) => void;
  /** `control_identity_cert_refreshes_total`. */
  readonly refreshed: (result: "ok" | "error") => void;
  readonly random: () => number;
  readonly log: Log;
}

/** The proxy's certificate, kept fresh. */
export interface Identity {
  /** Null before the first certificate. An expired one stays until it is replaced. */
  readonly credentials: Credentials | null;
  /** PEM bundle in use. */
  readonly anchors: string;
  /** Takes other anchors into use, from the next connection on, also for answers of identity itself. */
  trust(anchors: string): void;
  close(): void;
}

/** Time for one Certify, connection included; the next attempt follows soon. */
const CERTIFY_TIMEOUT_MS = 10_000;

/** Reads key and CSR; rejects with `config.invalid`. */
export async function loadIdentityFiles(dir: string): Promise<IdentityFiles> {
  const read = async (name: string): Promise<Uint8Array> => {
    try {
      return await readFile(join(dir, name));
    } catch (cause) {
      throw new Problem(
        "config.invalid",
        `Cannot read "${join(dir, name)}": ${describe(cause)}`,
        { cause, hint: "start the proxy through launch/entrypoint.sh" },
      );
    }
  };
  return { key: await read("key.p8"), csr: await read("csr.der") };
}

/** Certify over gRPC. */
export function certifyWith(client: ControlClient): Certify {
  return async ({ identity, token, csr }, signal) => {
    const request = encodeCertifyRequest(identity, token, csr);
    const answer = await callUnary(
      (reader) =>
        client.start("/io.linkerd.proxy.identity.Identity/Certify", request, {
          ...reader,
          begun() {},
        }),
      { timeoutMs: CERTIFY_TIMEOUT_MS, signal },
    );
    return decodeCertifyResponse(answer);
  };
}

/**
 * Gets a certificate and renews it after 70 % of its life. When renewal fails, the certificate at hand stays in use and
 * the next attempt comes after 70 % of what remains; without a valid one, attempts follow in fractions of a second first.
 * A certificate that the anchors in use no longer vouch for is as good as none.
 */
export function startIdentity(options: IdentityOptions): Identity {
  const closing = new AbortController();
  const state: State = {
    credentials: null,
    anchors: options.anchors,
    wake: () => {},
  };
  void renewForever(options, closing.signal, state);
  return {
    get credentials() {
      return state.credentials;
    },
    get anchors() {
      return state.anchors;
    },
    trust(anchors) {
      state.anchors = anchors;
      if (state.credentials === null) return;
      state.credentials = { ...state.credentials, anchors };
      if (!isGood(state.credentials)) state.wake();
    },
    close: () => closing.abort(),
  };
}

interface State {
  credentials: Credentials | null;
  anchors: string;
  /** Ends the wait for the next request. */
  wake: () => void;
}

/** Whether peers will take a certificate. */
function isGood({ chain, anchors, expiresAtMs }: Credentials): boolean {
  const nowMs = Date.now();
  return expiresAtMs > nowMs && isVouchedFor(chain, anchors, nowMs);
}

async function renewForever(
  options: IdentityOptions,
  signal: AbortSignal,
  state: State,
): Promise<void> {
  const { bounds, kept, log, name, refreshed } = options;
  const backOff = createBackOff(options.random);
  const publish = (credentials: Credentials): void => {
    // Anchors may have changed while the answer was on its way.
    state.credentials = { ...credentials, anchors: state.anchors };
    options.certified(state.credentials);
  };
  const sleep = (delayMs: number) => pause(delayMs, signal, state);
  if (kept !== null) {
    log("info", "Using the certificate of an earlier start", { id: name });
    publish(kept);
    await sleep(refreshDelay(kept.expiresAtMs - Date.now(), bounds));
  }
  while (!signal.aborted) {
    let failure: unknown = null;
    try {
      const fresh = await requestOnce(options, signal, state.anchors);
      backOff.reset();
      refreshed("ok");
      log("info", "Certified identity", { id: name });
      publish(fresh);
    } catch (error) {
      if (signal.aborted) return;
      failure = error;
      refreshed("error");
    }
    const { credentials } = state;
    const leftMs = credentials !== null && isGood(credentials)
      ? credentials.expiresAtMs - Date.now()
      : 0;
    const delayMs = leftMs > 0
      ? refreshDelay(leftMs, bounds)
      : Math.min(backOff.next(), bounds.minMs);
    if (failure !== null) {
      log("warn", `Failed to obtain identity: ${describe(failure)}`, {
        id: name,
        retryInMs: Math.round(delayMs),
        validForMs: Math.max(0, leftMs),
      });
    }
    await sleep(delayMs);
  }
}

async function requestOnce(
  options: IdentityOptions,
  signal: AbortSignal,
  anchors: string,
): Promise<Credentials> {
  const { files, name, tokenFile } = options;
  const token = await readFile(tokenFile);
  const issued = await options.certify(
    { identity: name, token, csr: files.csr },
    signal,
  );
  const nowMs = Date.now();
  return acceptChain(issued, { name, key: files.key, anchors, nowMs });
}

/** Waits, but no longer than until somebody calls `wake`. */
function pause(
  delayMs: number,
  signal: AbortSignal,
  state: State,
): Promise<void> {
  return new Promise((resolve) => {
    const wake = state.wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, delayMs);
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
  });
}
