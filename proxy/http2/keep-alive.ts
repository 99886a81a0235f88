/** When a silent connection is tested with PING, and given up (facts: Linkerd's chart sets 10 s and 3 s on both sides). */
export interface KeepAliveOptions {
  /** Silence after which a PING is sent, in milliseconds. */
  readonly keepAliveIntervalMs: number;
  /** How long its answer, or any other byte, may take. */
  readonly keepAliveTimeoutMs: number;
  /** Also while no stream is open. Default false. */
  readonly keepAliveWhileIdle?: boolean;
}

/** What a keep-alive asks of its connection. */
interface KeepAliveOwner {
  isIdle(): boolean;
  sendPing(): void;
  pingTimedOut(): void;
}

/** Tests a connection that has gone silent, by one timer. */
export class KeepAlive {
  /** Set by the owner whenever bytes arrive. */
  heard = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private waiting = false;
  private readonly options: KeepAliveOptions;
  private readonly owner: KeepAliveOwner;

  constructor(options: KeepAliveOptions, owner: KeepAliveOwner) {
    this.options = options;
    this.owner = owner;
    this.schedule(options.keepAliveIntervalMs);
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private readonly tick = (): void => {
    const { options, owner, heard } = this;
    this.heard = false;
    if (this.waiting && !heard) return owner.pingTimedOut();
    const test = !heard && !this.waiting &&
      (options.keepAliveWhileIdle === true || !owner.isIdle());
    this.waiting = test;
    if (test) owner.sendPing();
    this.schedule(
      test ? options.keepAliveTimeoutMs : options.keepAliveIntervalMs,
    );
  };

  private schedule(delayMs: number): void {
    this.timer = setTimeout(this.tick, delayMs);
  }
}
