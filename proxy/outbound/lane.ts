import type { SocketAddress } from "../../schemas/address.ts";
import type { Waiter } from "../balance/failfast.ts";
import type { BackendMetrics, Lane } from "../direction.ts";
import type { Upstream } from "../endpoint.ts";
import type { Filters } from "../route/filter.ts";
import type { SharedBackend } from "./backends.ts";

/** A backend as one rule uses it. A class, for every request goes through one. */
export class RouteLane implements Lane {
  readonly filters: Filters | null;
  readonly metrics: BackendMetrics;
  private readonly tellPlace: () => string;
  private readonly backend: SharedBackend<Upstream>;

  constructor(
    backend: SharedBackend<Upstream>,
    filters: Filters | null,
    metrics: BackendMetrics,
    tellPlace: () => string,
  ) {
    this.backend = backend;
    this.filters = filters;
    this.metrics = metrics;
    this.tellPlace = tellPlace;
  }

  get place(): string {
    return this.tellPlace();
  }

  get closed(): boolean {
    return this.backend.closed;
  }

  get available(): boolean {
    return this.backend.available;
  }

  get ready(): boolean {
    return this.backend.ready;
  }

  pick(): Upstream | null {
    return this.backend.pick();
  }

  at(address: SocketAddress): Upstream | null {
    return this.backend.at(address);
  }

  wait(waiter: Waiter<Upstream>): void {
    this.backend.wait(waiter);
  }

  withdraw(waiter: Waiter<Upstream>): void {
    this.backend.withdraw(waiter);
  }
}
