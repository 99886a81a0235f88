import { expect, test } from "bun:test";
import { createMetrics } from "../metrics.ts";
import { createAdmin } from "./admin.ts";

test("the admin port answers probes as Linkerd's components do", async () => {
  let isReady = false;
  const metrics = createMetrics();
  metrics.counter("calls_total", "Calls.", []).add([]);
  const admin = createAdmin(metrics, () => isReady);
  const get = async (path: string) => {
    const response = await admin.request(path);
    return [response.status, await response.text()];
  };
  expect(await get("/ping")).toEqual([200, "pong\n"]);
  expect(await get("/live")).toEqual([200, "ok\n"]);
  expect(await get("/ready")).toEqual([500, "not ready\n"]);
  isReady = true;
  expect(await get("/ready")).toEqual([200, "ok\n"]);
  expect((await get("/metrics"))[1]).toContain("\ncalls_total 1\n");
  expect((await get("/debug"))[0]).toBe(404);
});
