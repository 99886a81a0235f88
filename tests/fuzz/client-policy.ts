import { toBinary } from "@bufbuild/protobuf";
import { ok } from "node:assert/strict";
import { applyFilters, readyFilters } from "../../proxy/route/filter.ts";
import {
  createGrpcTable,
  createHttpTable,
  type RouteTable,
  type Rule,
} from "../../proxy/route/route-table.ts";
import { requestHead } from "../../proxy/testing/http1.ts";
import { decodeOutboundPolicy } from "../../proxy/wire/outbound-policy.ts";
import type {
  BackOff,
  ClientProtocol,
  ClientRule,
  Distribution,
  FailureAccrual,
  GrpcFilter,
  HttpFilter,
} from "../../schemas/client-policy.ts";
import { Problem } from "../../schemas/problem.ts";
import type { HostMatch } from "../../schemas/route.ts";
import { OutboundPolicySchema } from "../../schemas/proto/gen/outbound_pb.ts";
import { randomMessage } from "../testing/random-message.ts";
import { mutate, oneOf, type Random } from "./target.ts";

/** Timers hold no more. */
const MAX_MS = 2 ** 31 - 1;
const PATHS = ["/", "/a", "/a.B/Get", "*", "/x?a=b&a=c", `/${"a".repeat(300)}`];

type AnyRoutes<M> = readonly {
  readonly hosts: readonly HostMatch[];
  readonly rules: readonly AnyRule<M>[];
}[];
type AnyRule<M> = ClientRule<M, HttpFilter | GrpcFilter, unknown>;

/** Whatever a control plane sends gives a policy whose parts can all be worked with, or a typed error. */
export function clientPolicy(random: Random): void {
  const message = randomMessage(OutboundPolicySchema, random);
  const bytes = toBinary(OutboundPolicySchema, message);
  const sent = random() < 0.5 ? bytes : mutate(random, bytes, 6);
  const protocol = protocolOf(sent);
  if (protocol === null) return;
  if ("http" in protocol) {
    const { routes, accrual } = protocol.http;
    checkAccrual(accrual);
    checkRules(createHttpTable(listRules(routes)), routes, random);
  }
  if ("grpc" in protocol) {
    const { routes, accrual } = protocol.grpc;
    checkAccrual(accrual);
    checkRules(createGrpcTable(listRules(routes)), routes, random);
  }
  if ("opaque" in protocol) checkBackends(protocol.opaque.rule?.backends);
  if ("tls" in protocol) {
    for (const { rule } of protocol.tls) checkBackends(rule?.backends);
  }
}

function protocolOf(bytes: Uint8Array): ClientProtocol | null {
  try {
    return decodeOutboundPolicy(bytes, new Set()).protocol;
  } catch (error) {
    if (error instanceof Problem && error.code === "protocol.invalid") {
      return null;
    }
    throw error;
  }
}

function listRules<M>(routes: AnyRoutes<M>): Rule<M, AnyRule<M>>[] {
  return routes.flatMap(({ hosts, rules }) =>
    rules.map((rule) => ({ hosts, matches: rule.matches, payload: rule }))
  );
}

/** Rules can be found, and those whose requests nobody can tell fail them. */
function checkRules<M>(
  table: RouteTable<AnyRule<M>>,
  routes: AnyRoutes<M>,
  random: Random,
): void {
  for (const { rules } of routes) rules.forEach(checkRule);
  for (const path of PATHS) {
    const method = oneOf(random, ["GET", "POST"]);
    const host = oneOf(random, ["a", "web.shop:80", ".".repeat(100)]);
    const head = requestHead(method, path, { host });
    const claim = table.find(head);
    if (claim === null) continue;
    const filters = readyFilters(claim.payload.filters);
    const answer = filters === null
      ? null
      : applyFilters(filters, claim, head, random);
    ok(claim.sure || answer !== null, "a rule nobody understands lets pass");
  }
}

function checkRule<M>(rule: AnyRule<M>): void {
  const { requestMs, responseMs, idleMs } = rule.timeouts;
  for (const ms of [requestMs, responseMs, idleMs]) checkTime(ms);
  checkBackends(rule.backends);
  const { retry } = rule;
  if (retry === null) return;
  ok(retry.limit > 0 && retry.maxBodyBytes <= 2 ** 20, "retries");
  checkTime(retry.timeoutMs);
  if (retry.backOff !== null) checkBackOff(retry.backOff);
}

function checkBackends(of: Distribution<unknown> | undefined): void {
  for (const { backend, weight } of of?.backends ?? []) {
    ok(weight >= 0 && weight < 2 ** 32, "weight");
    if (backend.kind !== "balancer") continue;
    const { decayMs, penalty } = backend.load;
    checkTime(decayMs);
    ok(backend.path !== "" && (penalty?.penaltyMs ?? 0) <= MAX_MS, "balancer");
  }
}

function checkAccrual(accrual: FailureAccrual | null): void {
  if (accrual === null) return;
  checkBackOff(accrual.backOff);
  if (accrual.kind === "consecutive") return ok(accrual.maxFailures > 0);
  const { successRate, windowMs, maxFailures } = accrual;
  ok(successRate >= 0 && successRate <= 1, "success rate");
  ok(successRate > 0 || maxFailures > 0, "an accrual that counts nothing");
  checkTime(windowMs);
}

function checkBackOff({ minMs, maxMs, jitter }: BackOff): void {
  checkTime(maxMs);
  ok(minMs >= 0 && minMs <= maxMs && jitter >= 0 && jitter <= 100, "back-off");
}

/** None, or some. */
function checkTime(ms: number | null): void {
  ok(ms === null || ms > 0 && ms <= MAX_MS, `${ms} ms`);
}
