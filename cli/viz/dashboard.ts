import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { Problem } from "../../schemas/problem.ts";
import { openBrowser } from "../browser.ts";
import { ApiError } from "../cluster.ts";
import type { Outcome, World } from "../command.ts";
import type { Given } from "../flags.ts";
import { readDuration } from "./options.ts";
import { pagePath, passPagesOn } from "./pages.ts";
import { type MetricsApi, reachMetrics } from "./reach.ts";

/** Linkerd's port for it on this machine. */
const PORT = 50_750;
/** Between two looks for the metrics component. */
const LOOK_EVERY_MS = 2_000;
const WAITING = "Waiting for the metrics component to become available\n";

/** Serves the dashboard's pages to this machine with the caller's rights, says where, and does so until it is stopped. */
export async function runDashboard(
  given: Given,
  world: World,
): Promise<Outcome> {
  checkAddress(given.text("address") ?? "localhost");
  const port = readPort(given.text("port"));
  const opens = readShow(given.text("show") ?? "linkerd") && world.terminal;
  const waitMs = readDuration(given, "wait", "5m");
  const api = await reachMetrics(given, world);
  const deadlineMs = Date.now() + waitMs;
  // What answers at --api-addr does so without us.
  if (given.text("api-addr")) {
    await patiently(api, "/", deadlineMs, world);
    show(api.at.replace("//127.0.0.1:", "//localhost:"), opens, world);
    return { code: 0 };
  }
  await patiently(api, pagePath("/"), deadlineMs, world);
  const pages = await passPagesOn(api, port);
  show(`http://localhost:${pages.port}`, opens, world);
  await stopped();
  await pages.close();
  return { code: 0 };
}

function show(url: string, opens: boolean, world: World): void {
  world.print(`Linkerd dashboard available at:\n${url}\n`);
  if (!opens) return;
  world.print("Opening Linkerd dashboard in the default browser\n");
  openBrowser(
    url,
    () => world.print("No browser opens: go there yourself\n"),
  );
}

/** It answers to names of this machine only, and to whoever asks: so nobody else may ask. */
function checkAddress(address: string): void {
  if (address === "localhost" || address === "127.0.0.1") return;
  throw new Problem(
    "config.invalid",
    `Cannot listen on --address "${address}": expected localhost`,
    { hint: "to look from elsewhere, forward the port over SSH" },
  );
}

function readPort(text: string | undefined): number {
  if (text === undefined) return PORT;
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new Problem(
    "config.invalid",
    `--port "${text}": expected a port, or 0 for any`,
  );
}

/** Whether a browser is wanted. */
function readShow(show: string): boolean {
  if (show === "linkerd" || show === "url") return show === "linkerd";
  throw new Problem(
    "config.invalid",
    `unknown value for 'show' param, was: ${show}, must be one of: linkerd, url`,
  );
}

/** Tries a page until the metrics component is there, and says so; what else goes wrong is said at once. */
async function patiently(
  api: MetricsApi,
  path: string,
  deadlineMs: number,
  world: World,
): Promise<void> {
  for (let isSaid = false;;) {
    try {
      const page = await api.open({ path });
      return await page.body?.cancel();
    } catch (error) {
      const isAbsent = error instanceof Problem &&
        error.cause instanceof ApiError;
      if (!isAbsent || error.code !== "connect.failed") throw error;
      if (Date.now() + LOOK_EVERY_MS > deadlineMs) throw error;
      if (!isSaid) world.warn?.(WAITING);
      isSaid = true;
      await pause(LOOK_EVERY_MS);
    }
  }
}

/** Resolves when somebody stops the command. */
function stopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}
