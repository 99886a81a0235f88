import type { ServiceProfile } from "../../kube.ts";
import type { FieldPath } from "../field-problem.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { mistakesOfPattern } from "./route.ts";

/** Conditions may hold conditions; deeper than this nobody writes. Four levels of protobuf each, of a hundred. */
const DEPTH_MAX = 16;

/** What a ServiceProfile's schema cannot say: conditions, however deep, and durations. */
export function mistakesOfServiceProfile({ spec }: ServiceProfile): Mistake[] {
  const { routes = [], retryBudget } = spec;
  return [
    ...routes.flatMap((route, at) => {
      const path = ["spec", "routes", at];
      const classes = route.responseClasses ?? [];
      return [
        ...ofCondition(route.condition, [...path, "condition"], REQUEST),
        ...ofDuration(route.timeout, [...path, "timeout"]),
        ...classes.flatMap(({ condition }, of) =>
          ofCondition(
            condition,
            [...path, "responseClasses", of, "condition"],
            RESPONSE,
          )
        ),
      ];
    }),
    ...ofDuration(retryBudget?.ttl, ["spec", "retryBudget", "ttl"]),
  ];
}

/** Checks of the fields that one sort of conditions has beside `all`, `any` and `not`. */
type Sort = Readonly<
  Record<string, (value: unknown, path: FieldPath) => Mistake[]>
>;

const REQUEST: Sort = { pathRegex: ofRegex, method: ofText };
const RESPONSE: Sort = { status: ofStatus };

function ofCondition(
  value: unknown,
  path: FieldPath,
  sort: Sort,
  depth = 0,
): Mistake[] {
  if (!isFields(value) || depth > DEPTH_MAX) {
    return [mistake(path, value, "a condition", "write a map of fields")];
  }
  const known = [...Object.keys(sort), "all", "any", "not"];
  const names = Object.keys(value).filter((name) => value[name] !== null);
  if (names.length === 0) {
    const expected = `at least one of ${known.join(", ")}`;
    return [mistake(path, value, expected, "say what it is to match")];
  }
  return names.flatMap((name) => {
    const at = [...path, name];
    const inner = value[name];
    if (Object.hasOwn(sort, name)) return sort[name]?.(inner, at) ?? [];
    switch (name) {
      case "not":
        return ofCondition(inner, at, sort, depth + 1);
      case "all":
      case "any":
        return !Array.isArray(inner)
          ? [mistake(at, inner, "a list of conditions", "write a list")]
          : inner.flatMap((one, of) =>
            ofCondition(one, [...at, of], sort, depth + 1)
          );
      default:
        return [mistake(
          at,
          inner,
          `one of ${known.join(", ")}`,
          "correct or remove the field",
        )];
    }
  });
}

function ofRegex(value: unknown, path: FieldPath): Mistake[] {
  return typeof value === "string"
    ? mistakesOfPattern(value, path)
    : ofText(value, path);
}

function ofText(value: unknown, path: FieldPath): Mistake[] {
  return typeof value === "string"
    ? []
    : [mistake(path, value, "a string", "quote it")];
}

/** Statuses that HTTP can have. */
const STATUS_MIN = 100;
const STATUS_MAX = 599;

function ofStatus(value: unknown, path: FieldPath): Mistake[] {
  if (!isFields(value)) {
    return [mistake(path, value, "min and max", "write min, max or both")];
  }
  const expected = `a status from ${STATUS_MIN} to ${STATUS_MAX}`;
  const wrong = Object.entries(value).flatMap(([name, bound]) => {
    const isBound = name === "min" || name === "max";
    const isStatus = Number.isInteger(bound) &&
      Number(bound) >= STATUS_MIN && Number(bound) <= STATUS_MAX;
    return isBound && isStatus
      ? []
      : [mistake([...path, name], bound, expected, "give min, max or both")];
  });
  if (wrong.length > 0) return wrong;
  const { min = STATUS_MIN, max = STATUS_MAX } = value;
  return Number(min) <= Number(max) ? [] : [
    mistake([...path, "max"], max, `at least min (${min})`, "swap the two"),
  ];
}

/** As Go programs write it. */
const DURATION = /^[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/;

function ofDuration(value: string | undefined, path: FieldPath): Mistake[] {
  return value === undefined || DURATION.test(value) ? [] : [
    mistake(path, value, "a duration, such as 300ms or 1m30s", "add a unit"),
  ];
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
