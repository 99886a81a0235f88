import type { Case } from "./case.ts";
import { balanceSlowEndpoint } from "./cases/balance.ts";
import {
  http1Keepalive,
  http1Keepalive128,
  http1NewConnection,
  http1OpenLoop,
  idle,
} from "./cases/http1.ts";
import { grpcUnary, http2Streams } from "./cases/http2.ts";
import { tap, tapOpenLoop } from "./cases/tap.ts";
import { bulkTcp } from "./cases/tcp.ts";

/** Every case, in the order of the tables. */
export const CASES: readonly Case[] = [
  http1Keepalive,
  http1Keepalive128,
  http1NewConnection,
  http1OpenLoop,
  bulkTcp,
  http2Streams,
  grpcUnary,
  idle,
  balanceSlowEndpoint,
  tap,
  tapOpenLoop,
];
