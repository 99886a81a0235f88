import { ErrorCode } from "../http/message.ts";
import { ConnectionFault } from "./fault.ts";
import { Budget, type RateName, RATES, type Rates } from "./limits.ts";

/** The rates of one connection; a budget exists only once something was spent from it. */
export class Budgets {
  private readonly budgets: Partial<Record<RateName, Budget>> = {};
  private readonly now: () => number;
  private readonly own: Rates;

  /** `own` rates go before those of all connections. */
  constructor(now: () => number, own: Rates) {
    this.now = now;
    this.own = own;
  }

  /** @throws ConnectionFault (ENHANCE_YOUR_CALM) when the peer has done this too often. */
  spend(name: RateName): void {
    const rate = this.own[name] ?? RATES[name];
    const budget = this.budgets[name] ??= new Budget(rate, this.now);
    if (budget.spend()) return;
    const { burst, perSecond } = rate;
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
