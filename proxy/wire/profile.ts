import { createPattern } from "../../schemas/pattern.ts";
import { describe, Problem } from "../../schemas/problem.ts";
import type {
  ProfileRoute,
  ProfileTarget,
  RequestCondition,
  ResponseClass,
  ResponseCondition,
  RetryBudget,
} from "../../schemas/profile.ts";
import {
  emptyLabels,
  type Notices,
  readDuration,
  readLabel,
  readMeta,
} from "./common.ts";
import type { Reader } from "./reader.ts";
import { readMethod } from "./route-match.ts";

/** Bounds of a retry budget (Linkerd); outside of them nothing is retried. */
const RATIO_MAX = 1_000;
const TTL_MIN_MS = 1_000;
const TTL_MAX_MS = 60_000;

/**
 * A `destination.Route`; null with a notice when nobody can tell which requests it is for. A class that nobody can tell
 * the responses of is left out: they are then judged as usual.
 */
export function readProfileRoute(
  reader: Reader,
  notices: Notices,
): ProfileRoute | null {
  let condition: RequestCondition | null = null;
  const responseClasses: ResponseClass[] = [];
  const labels = emptyLabels();
  let retries = false;
  let timeoutMs: number | null = null;
  let unclear = "it has no condition that is known here";
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        condition = reader.message(readRequestMatch);
        break;
      case 2: {
        const one = reader.message(readResponseClass);
        if (one !== null) responseClasses.push(one);
        else notices.add("response class left out: its condition is not known");
        break;
      }
      case 3:
        readLabel(reader, labels);
        break;
      case 4:
        retries = reader.bool();
        break;
      case 5:
        timeoutMs = reader.message(readDuration) || null;
        break;
      default:
        reader.skip();
    }
  }
  const fault = condition === null ? null : faultOf(condition);
  if (fault !== null) unclear = fault;
  if (condition === null || fault !== null) {
    const name = labels["route"] ?? "without a name";
    notices.add(`route ${name} of a service profile left out: ${unclear}`);
    return null;
  }
  return { condition, responseClasses, labels, retries, timeoutMs };
}

/** A `destination.RetryBudget`; null with a notice when it is none. */
export function readRetryBudget(
  reader: Reader,
  notices: Notices,
): RetryBudget | null {
  let retryRatio = 0;
  let minRetriesPerSecond = 0;
  let ttlMs = 0;
  while (reader.next()) {
    if (reader.field === 1) retryRatio = reader.float();
    else if (reader.field === 2) minRetriesPerSecond = reader.uint32();
    else if (reader.field === 3) ttlMs = reader.message(readDuration);
    else reader.skip();
  }
  const isUsable = retryRatio >= 0 && retryRatio <= RATIO_MAX &&
    ttlMs >= TTL_MIN_MS && ttlMs <= TTL_MAX_MS;
  if (isUsable) return { retryRatio, minRetriesPerSecond, ttlMs };
  notices.add(
    `retry budget not used, nothing is retried: its ratio is ${retryRatio}, expected 0 to ${RATIO_MAX}; its ttl ${ttlMs} ms, expected ${TTL_MIN_MS} to ${TTL_MAX_MS}`,
  );
  return null;
}

/** A `destination.WeightedDst`. */
export function readTarget(reader: Reader): ProfileTarget {
  let authority = "";
  let weight = 0;
  let backend: ProfileTarget["backend"] = null;
  while (reader.next()) {
    if (reader.field === 1) authority = reader.string();
    else if (reader.field === 2) weight = reader.uint32();
    else if (reader.field === 3) backend = reader.message(readMeta);
    else reader.skip();
  }
  return { authority, weight, backend };
}

/** A `RequestMatch`; null when any part of it is not known here, as its opposite would match everything. */
function readRequestMatch(reader: Reader): RequestCondition | null {
  let condition: RequestCondition | null = null;
  while (reader.next()) {
    condition = readOneRequestMatch(reader);
    if (condition === null) return null;
  }
  return condition;
}

function readOneRequestMatch(reader: Reader): RequestCondition | null {
  switch (reader.field) {
    case 1:
    case 2: {
      const kind = reader.field === 1 ? "all" : "any";
      const conditions = readSeq(reader, readRequestMatch);
      return conditions && { kind, conditions };
    }
    case 3: {
      const condition = reader.message(readRequestMatch);
      return condition && { kind: "not", condition };
    }
    case 4:
      return { kind: "path", pattern: reader.message(readRegex) };
    case 5: {
      const method = reader.message(readMethod);
      return method === null ? null : { kind: "method", method };
    }
    default:
      return null;
  }
}

function readResponseClass(reader: Reader): ResponseClass | null {
  let condition: ResponseCondition | null = null;
  let isFailure = false;
  while (reader.next()) {
    if (reader.field === 1) condition = reader.message(readResponseMatch);
    else if (reader.field === 2) isFailure = reader.bool();
    else reader.skip();
  }
  return condition && { condition, isFailure };
}

function readResponseMatch(reader: Reader): ResponseCondition | null {
  let condition: ResponseCondition | null = null;
  while (reader.next()) {
    condition = readOneResponseMatch(reader);
    if (condition === null) return null;
  }
  return condition;
}

function readOneResponseMatch(reader: Reader): ResponseCondition | null {
  switch (reader.field) {
    case 1:
    case 2: {
      const kind = reader.field === 1 ? "all" : "any";
      const conditions = readSeq(reader, readResponseMatch);
      return conditions && { kind, conditions };
    }
    case 3: {
      const condition = reader.message(readResponseMatch);
      return condition && { kind: "not", condition };
    }
    case 4:
      return reader.message(readStatus);
    default:
      return null;
  }
}

/** The conditions of a `Seq`; null when any of them is not known here. */
function readSeq<C>(
  reader: Reader,
  read: (reader: Reader) => C | null,
): readonly C[] | null {
  return reader.message((seq) => {
    const conditions: C[] = [];
    while (seq.next()) {
      const condition = seq.field === 1 ? seq.message(read) : null;
      if (condition === null) return null;
      conditions.push(condition);
    }
    return conditions;
  });
}

function readRegex(reader: Reader): string {
  let pattern = "";
  while (reader.next()) {
    if (reader.field === 1) pattern = reader.string();
    else reader.skip();
  }
  return pattern;
}

/** An end of a range that is not set is open. */
function readStatus(reader: Reader): ResponseCondition {
  let min = 0;
  let max = 0;
  while (reader.next()) {
    if (reader.field === 1) min = reader.uint32();
    else if (reader.field === 2) max = reader.uint32();
    else reader.skip();
  }
  return { kind: "status", min, max: max === 0 ? Infinity : max };
}

/** What is wrong with the first pattern that cannot be used; null: nothing. */
function faultOf(condition: RequestCondition): string | null {
  switch (condition.kind) {
    case "path":
      try {
        createPattern(condition.pattern);
        return null;
      } catch (thrown) {
        if (!(thrown instanceof Problem)) throw thrown;
        return describe(thrown);
      }
    case "method":
      return null;
    case "not":
      return faultOf(condition.condition);
    default:
      for (const one of condition.conditions) {
        const fault = faultOf(one);
        if (fault !== null) return fault;
      }
      return null;
  }
}
