import type { Field } from "../http/field.ts";
import { b3, b3Single } from "./b3.ts";
import type { Propagation, TraceContext } from "./context.ts";
import { grpcTraceBin } from "./grpc-trace-bin.ts";
import { w3c } from "./w3c.ts";

/** In the order in which they are looked for (facts 6.11). */
const PROPAGATIONS: readonly Propagation[] = [w3c, grpcTraceBin, b3, b3Single];

/** The trace that a request belongs to; null: none, and the proxy begins none. */
export function findContext(fields: readonly Field[]): TraceContext | null {
  for (const propagation of PROPAGATIONS) {
    const context = propagation.read(fields);
    if (context !== null) return context;
  }
  return null;
}
