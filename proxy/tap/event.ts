import type { SocketAddress } from "../../schemas/address.ts";
import type { Field } from "../http/field.ts";

/** What is known of an end of a connection, or of a route, by name. */
export type Labels = Readonly<Record<string, string>>;

/** Who sends a request, which way. */
export interface Source {
  readonly direction: "inbound" | "outbound";
  /** Null: it did not come over a connection to this proxy. */
  readonly address: SocketAddress | null;
  readonly labels: Labels;
}

/** Who gets it. */
export interface Destination {
  readonly address: SocketAddress;
  readonly labels: Labels | null;
}

/** One moment of a request, as a tap tells of it. */
export type TapEvent = RequestInit | ResponseInit | ResponseEnd;

export interface RequestInit {
  readonly kind: "request-init";
  readonly id: StreamId;
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  /** Null, of these fields and those below: not asked for. */
  readonly fields: readonly Field[] | null;
}

export interface ResponseInit {
  readonly kind: "response-init";
  readonly id: StreamId;
  readonly sinceRequestInitMs: number;
  readonly status: number;
  readonly fields: readonly Field[] | null;
}

export interface ResponseEnd {
  readonly kind: "response-end";
  readonly id: StreamId;
  readonly sinceRequestInitMs: number;
  /** Null: no response had begun. */
  readonly sinceResponseInitMs: number | null;
  readonly bytes: number;
  readonly end: Eos;
  readonly trailers: readonly Field[] | null;
}

/** How a response ended; null: without a word of its own. */
export type Eos =
  | { readonly kind: "grpc"; readonly code: number }
  | { readonly kind: "reset"; readonly code: number }
  | null;

/** Tells the requests of a tap apart, and those of one tap from those of another. */
export interface StreamId {
  readonly base: number;
  readonly stream: number;
}
