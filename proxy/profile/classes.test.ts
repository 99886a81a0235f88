import { expect, test } from "bun:test";
import type { ResponseClass } from "../../schemas/profile.ts";
import { classify } from "../record/classify.ts";
import { createJudge } from "./classes.ts";
import { profileTerms } from "../outbound/profile/terms.ts";

const between = (min: number, max: number, isFailure: boolean) => ({
  condition: { kind: "status", min, max },
  isFailure,
} as const);

function judged(
  classes: readonly ResponseClass[],
  status: number,
  grpcStatus: string | null = null,
): string {
  const grpc = grpcStatus !== null;
  const judge = createJudge(classes);
  const ending = { grpc, status, grpcStatus, error: null };
  const { classification } = judge(ending);
  // The same object for the same ending: series are kept by it.
  expect(judge(ending)).toBe(judge({ ...ending }));
  return classification;
}

test("the first class that a status is of says how it counts", () => {
  const classes = [
    between(404, 404, true),
    between(400, 499, false),
    between(503, 599, false),
    between(503, 503, true),
  ];
  const cases = [
    [404, "failure"],
    [403, "success"],
    [503, "success"],
    [200, "success"],
    [500, "failure"],
  ] as const;
  for (const [status, expected] of cases) {
    expect({ status, is: judged(classes, status) })
      .toEqual({ status, is: expected });
  }
});

test("conditions hold together, one of several, and by their opposite", () => {
  const condition = {
    kind: "all",
    conditions: [
      {
        kind: "any",
        conditions: [
          { kind: "status", min: 200, max: 299 },
          { kind: "status", min: 400, max: 499 },
        ],
      },
      { kind: "not", condition: { kind: "status", min: 404, max: 404 } },
    ],
  } as const;
  const classes = [{ condition, isFailure: true }];
  expect([201, 404, 429, 300].map((status) => judged(classes, status)))
    .toEqual(["failure", "success", "failure", "success"]);
});

test("a class goes before a gRPC status; of no class it is judged by that", () => {
  expect(judged([between(200, 200, false)], 200, "14")).toBe("success");
  expect(judged([between(500, 599, true)], 200, "14")).toBe("failure");
  expect(judged([between(500, 599, true)], 200, "0")).toBe("success");
});

test("without classes, and of what broke off, it is judged as everywhere", () => {
  expect(createJudge([])).toBe(classify);
  const judge = createJudge([between(200, 200, false)]);
  const ending = {
    grpc: false,
    status: 200,
    grpcStatus: null,
    error: "timeout",
  } as const;
  expect(judge(ending)).toBe(classify(ending));
});

test("what is sent again is what counts as a failure, in headers and trailers alike", () => {
  const route = {
    condition: { kind: "all", conditions: [] },
    responseClasses: [between(404, 404, true)],
    labels: {},
    retries: true,
    timeoutMs: null,
  } as const;
  const budget = { deposit() {}, withdraw: () => true };
  const judge = createJudge(route.responseClasses);
  const { retry } = profileTerms(route, judge, budget);
  const endings = [[404, null], [200, null], [503, null], [200, "14"]] as const;
  expect(endings.map(([status, grpc]) => retry?.wants(status, grpc)))
    .toEqual([true, false, true, true]);
  expect(profileTerms(route, judge, null).retry).toBeNull();
});
