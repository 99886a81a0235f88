import { expect, test } from "bun:test";
import type { ContainerStatus, Pod } from "./objects.ts";
import { statusOf } from "./pods.ts";
import { together } from "./together.ts";

function pod(
  status: NonNullable<Pod["status"]>,
  more: Partial<Pod["metadata"]> = {},
): Pod {
  return {
    metadata: { name: "p", ...more },
    spec: {
      containers: [{ name: "app" }],
      initContainers: [
        { name: "linkerd-init" },
        { name: "linkerd-proxy", restartPolicy: "Always" },
      ],
    },
    status,
  };
}

const running: ContainerStatus = {
  name: "app",
  ready: true,
  state: { running: {} },
};
const waiting = (reason: string): ContainerStatus => ({
  name: "app",
  state: { waiting: { reason } },
});
const ended = (exitCode: number, reason?: string): ContainerStatus => ({
  name: "linkerd-init",
  state: {
    terminated: { exitCode, ...(reason === undefined ? {} : { reason }) },
  },
});

test("statusOf() says what kubectl get pods does", () => {
  const cases: readonly (readonly [string, Pod])[] = [
    ["Pending", pod({ phase: "Pending" })],
    ["Running", pod({ phase: "Running", containerStatuses: [running] })],
    ["Evicted", pod({ phase: "Failed", reason: "Evicted" })],
    [
      "CrashLoopBackOff",
      pod({
        phase: "Running",
        containerStatuses: [running, waiting("CrashLoopBackOff")],
      }),
    ],
    [
      "ExitCode:3",
      pod({ phase: "Running", containerStatuses: [ended(3)] }),
    ],
    [
      "Completed",
      pod({ phase: "Succeeded", containerStatuses: [ended(0, "Completed")] }),
    ],
    [
      "Running",
      pod({
        phase: "Running",
        containerStatuses: [ended(0, "Completed"), running],
      }),
    ],
    [
      "Init:0/2",
      pod({
        phase: "Pending",
        initContainerStatuses: [
          { ...waiting("PodInitializing"), name: "linkerd-init" },
          { ...waiting("PodInitializing"), name: "linkerd-proxy" },
        ],
      }),
    ],
    [
      "Init:Error",
      pod({ phase: "Pending", initContainerStatuses: [ended(1, "Error")] }),
    ],
    [
      "Running",
      pod({
        phase: "Running",
        initContainerStatuses: [
          ended(0, "Completed"),
          { ...running, name: "linkerd-proxy", started: true },
        ],
        containerStatuses: [running],
      }),
    ],
    [
      "Terminating",
      pod({ phase: "Running" }, { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    ],
  ];
  for (const [wanted, given] of cases) expect(statusOf(given)).toBe(wanted);
});

test("together() asks a few at once, and answers in order", async () => {
  let atOnce = 0;
  let most = 0;
  const items = Array.from({ length: 50 }, (_, at) => at);
  const answers = await together(items, async (item) => {
    most = Math.max(most, ++atOnce);
    for (let turns = 50 - item; turns > 0; turns--) await Promise.resolve();
    atOnce--;
    return item * 2;
  });
  expect(answers).toEqual(items.map((item) => item * 2));
  expect(most).toBe(8);
});
