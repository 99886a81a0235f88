import type {
  RequestCondition,
  ResponseCondition,
} from "../../../schemas/profile.ts";
import type { RequestHead } from "../../http/message.ts";
import { patternOf } from "../../route/known-pattern.ts";

const QUESTION = 0x3f;

/** Whether a request is one that a condition means. */
export type RequestTest = (head: RequestHead) => boolean;

/** Makes a condition ready; its patterns have been read before (`wire/profile.ts`) and match in linear time. */
export function requestTest(condition: RequestCondition): RequestTest {
  switch (condition.kind) {
    case "all": {
      const tests = condition.conditions.map(requestTest);
      return (head) => tests.every((test) => test(head));
    }
    case "any": {
      const tests = condition.conditions.map(requestTest);
      return (head) => tests.some((test) => test(head));
    }
    case "not": {
      const test = requestTest(condition.condition);
      return (head) => !test(head);
    }
    case "path": {
      const pattern = patternOf(condition.pattern);
      return ({ path }) => {
        const { value } = path;
        const query = value.indexOf(QUESTION);
        return pattern.matches(value, 0, query < 0 ? value.length : query);
      };
    }
    case "method": {
      const { method } = condition;
      return (head) => head.method.text === method;
    }
  }
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
