import { ErrorCode } from "../http/message.ts";
import { ConnectionFault } from "./fault.ts";
import { Budget, type RateName, RATES } from "./limits.ts";

/** The rates of one connection; a budget exists only once something was spent from it. */
export class Budgets {
  private readonly budgets: Partial<Record<RateName, Budget>> = {};
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  /** @throws ConnectionFault (ENHANCE_YOUR_CALM) when the peer has done this too often. */
  spend(name: RateName): void {
    const budget = this.budgets[name] ??= new Budget(RATES[name], this.now);
    if (budget.spend()) return;
    const { burst, perSecond } = RATES[name];
    throw new ConnectionFault(
      ErrorCode.enhanceYourCalm,
      `Cannot go on: found too many ${name}, expected at most ${burst} and ${perSecond} per second`,
      name,
    );
  }

  /** Useful traffic pays for `tokens` events more. */
  refund(name: RateName, tokens: number): void {
    this.budgets[name]?.refund(tokens);
  }
}
