import type { BackOff } from "../../schemas/client-policy.ts";
import type { Accrual } from "./accrual.ts";
import { waitMsOf } from "./back-off.ts";
import type { Judgement } from "./outcome.ts";

/** `open`: requests go to the endpoint; `shut`: none; `probation`: one does, and decides. */
export type GateState = "open" | "shut" | "probation";

/** How long the one request of probation is waited for at least, and otherwise as long as the gate had been shut. */
const PATIENCE_MS = 10_000;

/** Lets requests through to one endpoint, as long as it answers well. Time and chance are arguments. */
export class Gate {
  state: GateState = "open";
  /** When `turn` is to be called, by the clock of `nowMs`; Infinity: not at all. */
  dueMs = Infinity;
  private readonly accrual: Accrual;
  private readonly backOff: BackOff;
  /** Of the last change of state: answers to what was sent before are no news. */
  private sinceMs = -Infinity;
  /** Times it shut since it was open. */
  private failures = 0;
  private shutMs = 0;
  /** Whether the one request of probation is under way. */
  private probing = false;

  constructor(accrual: Accrual, backOff: BackOff) {
    this.accrual = accrual;
    this.backOff = backOff;
  }

  get admits(): boolean {
    return this.state === "open" ||
      (this.state === "probation" && !this.probing);
  }

  /** A request goes to the endpoint. */
  sent(nowMs: number): void {
    if (this.state !== "probation") return;
    this.probing = true;
    this.dueMs = nowMs + Math.max(this.shutMs, PATIENCE_MS);
  }

  /** How a request went that was sent at `sentMs`; a gate that it shuts stays so for `atLeastMs`. */
  answered(
    sentMs: number,
    judgement: Judgement,
    nowMs: number,
    random: () => number,
    atLeastMs = 0,
  ): void {
    if (sentMs < this.sinceMs) return;
    const shut = () => this.shut(nowMs, random, atLeastMs);
    if (this.state === "open") {
      if (this.accrual.add(judgement, nowMs)) shut();
    } else if (this.state === "probation") {
      if (judgement === null) this.admitAnother();
      else if (this.accrual.isWell(judgement)) this.open(nowMs);
      else shut();
    }
  }

  /**
   * To be called at `dueMs`. A shut gate goes over to probation. In probation patience with the request is at an end, and
   * another may try: the first may be a stream that lasts for days.
   */
  turn(nowMs: number): void {
    if (this.state === "shut") this.enter("probation", nowMs);
    this.admitAnother();
  }

  private admitAnother(): void {
    this.probing = false;
    this.dueMs = Infinity;
  }

  private open(nowMs: number): void {
    this.enter("open", nowMs);
    this.admitAnother();
    this.failures = 0;
    this.accrual.clear();
  }

  private shut(
    nowMs: number,
    random: () => number,
    atLeastMs: number,
  ): void {
    this.enter("shut", nowMs);
    this.probing = false;
    const backOffMs = waitMsOf(this.backOff, this.failures, random);
    this.shutMs = Math.max(backOffMs, atLeastMs);
    this.failures += 1;
    this.dueMs = nowMs + this.shutMs;
  }

  private enter(state: GateState, nowMs: number): void {
    this.state = state;
    this.sinceMs = nowMs;
  }
}
