import { clientPolicy } from "./client-policy.ts";
import { hpackDecode, hpackPair } from "./hpack.ts";
import { http1Forward, http1Requests, http1Responses } from "./http1.ts";
import { http2Frames, http2Hostile } from "./http2.ts";
import type { Round } from "./target.ts";
import {
  transportHeaderDecode,
  transportHeaderPair,
} from "./transport-header.ts";

/** Everything that reads octets of strangers, and what must hold for it whatever they are. */
export const TARGETS: Readonly<Record<string, Round>> = {
  "http1-requests": http1Requests,
  "http1-responses": http1Responses,
  "http1-forward": http1Forward,
  "http2-frames": http2Frames,
  "http2-hostile": http2Hostile,
  "hpack-pair": hpackPair,
  "hpack-decode": hpackDecode,
  "client-policy": clientPolicy,
  "transport-header-pair": transportHeaderPair,
  "transport-header-decode": transportHeaderDecode,
};
