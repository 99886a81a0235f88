import type {
  ClientRule,
  Retry,
  StatusRange,
} from "../../schemas/client-policy.ts";
import { type Terms, termsOf } from "../forward/terms.ts";
import type { RequestHead } from "../http/message.ts";
import {
  askedGrpcRetry,
  askedHttpRetry,
  askedTimeouts,
  takeRequestFields,
} from "../route/request-fields.ts";

/** The terms of a rule, for a request. */
export type TermsOf = (head: RequestHead) => Terms;

type Rule<C> = Pick<
  ClientRule<unknown, unknown, C>,
  "timeouts" | "retry" | "allowsRequestFields"
>;

/** Retries by HTTP status. */
export function httpTerms(rule: Rule<readonly StatusRange[]>): TermsOf {
  return prepare(
    rule,
    askedHttpRetry,
    (ranges, status) =>
      ranges.some(({ start, end }) => start <= status && status <= end),
  );
}

/** Retries by gRPC status. */
export function grpcTerms(rule: Rule<ReadonlySet<number>>): TermsOf {
  return prepare(
    rule,
    askedGrpcRetry,
    (codes, _status, grpcStatus) =>
      grpcStatus !== null && codes.has(Number(grpcStatus)),
  );
}

function prepare<C>(
  { timeouts, retry, allowsRequestFields }: Rule<C>,
  askedRetry: (
    rule: Retry<C> | null,
    asked: NonNullable<ReturnType<typeof takeRequestFields>>,
  ) => Retry<C> | null,
  wants: (conditions: C, status: number, grpcStatus: string | null) => boolean,
): TermsOf {
  const terms = termsOf(timeouts, retry, wants);
  if (!allowsRequestFields) return () => terms;
  return (head) => {
    const asked = takeRequestFields(head);
    return asked === null ? terms : termsOf(
      askedTimeouts(timeouts, asked),
      askedRetry(retry, asked),
      wants,
    );
  };
}
