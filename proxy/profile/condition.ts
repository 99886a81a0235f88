import type {
  RequestCondition,
  ResponseCondition,
} from "../../schemas/profile.ts";
import type { RequestHead } from "../http/message.ts";
import { patternOf } from "../route/known-pattern.ts";

const QUESTION = 0x3f;

/** Whether a request is one that a condition means; `pathEnd` is where its path ends. */
export type RequestTest = (head: RequestHead, pathEnd: number) => boolean;

/** Where the path of a request ends, and its query begins. */
export function pathEndOf({ path }: RequestHead): number {
  const query = path.value.indexOf(QUESTION);
  return query < 0 ? path.value.length : query;
}

/** Makes a condition ready; its patterns have been read before (`wire/profile.ts`) and match in linear time. */
export function requestTest(condition: RequestCondition): RequestTest {
  switch (condition.kind) {
    case "all": {
      const tests = condition.conditions.map(requestTest);
      return (head, end) => tests.every((test) => test(head, end));
    }
    case "any": {
      const tests = condition.conditions.map(requestTest);
      return (head, end) => tests.some((test) => test(head, end));
    }
    case "not": {
      const test = requestTest(condition.condition);
      return (head, end) => !test(head, end);
    }
    case "path": {
      const pattern = patternOf(condition.pattern);
      const { lead } = pattern;
      return ({ path }, end) =>
        // Of a thousand routes nearly all are told apart by this.
        beginsWith(path.value, lead) && pattern.matches(path.value, 0, end);
    }
    case "method": {
      const { method } = condition;
      return (head) => head.method.text === method;
    }
  }
}

function beginsWith(octets: Uint8Array, lead: Uint8Array): boolean {
  for (let at = 0; at < lead.length; at++) {
    if (octets[at] !== lead[at]) return false;
  }
  return true;
}

/** Whether a status is one that a condition means. */
export function meansStatus(
  condition: ResponseCondition,
  status: number,
): boolean {
  switch (condition.kind) {
    case "all":
      return condition.conditions.every((one) => meansStatus(one, status));
    case "any":
      return condition.conditions.some((one) => meansStatus(one, status));
    case "not":
      return !meansStatus(condition.condition, status);
    case "status":
      return status >= condition.min && status <= condition.max;
  }
}
