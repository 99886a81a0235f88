import type { Registry } from "../record.ts";
import type { Family } from "./family.ts";
import { http2Violations } from "./http2.ts";
import type { Series } from "./series.ts";
import { type ControlFamilies, controlFamilies } from "./control.ts";
import { type InboundFamilies, inboundFamilies } from "./inbound.ts";
import { type OutboundFamilies, outboundFamilies } from "./outbound.ts";
import { tapDropped } from "./tap.ts";
import { type TraceFamilies, traceFamilies } from "./trace.ts";
import { recordTransfer } from "./transfer.ts";
import {
  type HttpFamilies,
  httpFamilies,
  type TcpFamilies,
  tcpFamilies,
} from "./traffic.ts";

/** Every metric of the proxy, by who writes it. */
export interface Families {
  /** Both directions, told apart by their labels. */
  readonly http: HttpFamilies;
  readonly tcp: TcpFamilies;
  readonly inbound: InboundFamilies;
  readonly outbound: OutboundFamilies;
  readonly control: ControlFamilies;
  readonly trace: TraceFamilies;
  /** Labels by `violationLabels`. */
  readonly http2Violations: Family<Series>;
  /** Without labels. */
  readonly tapDropped: Family<Series>;
}

/** Declares all of them; once per registry. */
export function createFamilies(registry: Registry): Families {
  const tcp = tcpFamilies(registry);
  recordTransfer(registry, tcp);
  return {
    http: httpFamilies(registry),
    tcp,
    inbound: inboundFamilies(registry),
    outbound: outboundFamilies(registry),
    control: controlFamilies(registry),
    trace: traceFamilies(registry),
    http2Violations: http2Violations(registry),
    tapDropped: tapDropped(registry),
  };
}
