import { describe, Problem } from "../schemas/problem.ts";
import {
  type IssuerFiles,
  type IssuerPaths,
  type LoadedIssuer,
  parseIssuer,
  readIssuer,
} from "./issuer/load.ts";
import type { Log } from "./log.ts";
import { watchFiles } from "./watch-files.ts";

/** The issuer in use, replaced under way when its files change. */
export interface Issuer {
  readonly current: () => LoadedIssuer;
  readonly close: () => void;
}

export interface IssuerOptions {
  readonly log: Log;
  readonly now?: () => number;
  /** How often files are read even if nothing told of a change; `RELOAD_EVERY_MS` by default. */
  readonly reloadEveryMs?: number;
  /** Called each time another issuer is in use, or the same one under other anchors. */
  readonly updated?: () => void;
}

/** The kubelet's own period for updating mounted Secrets: looking more often would find nothing new. */
export const RELOAD_EVERY_MS = 60_000;

/**
 * Loads an issuer and keeps it up to date. A first load that fails throws `config.invalid`; a later one is logged and
 * leaves the old issuer in place, as Linkerd does. Anchors are read again too (Linkerd needs a restart for that).
 */
export async function watchIssuer(
  paths: IssuerPaths,
  options: IssuerOptions,
): Promise<Issuer> {
  const { log, now = Date.now, reloadEveryMs = RELOAD_EVERY_MS } = options;
  let files = await readIssuer(paths);
  let current = await parseIssuer(files, now());
  log.info("issuer loaded", describeIssuer(current));

  let complaint = "";
  const reload = oneAtATime(async () => {
    try {
      const found = await readIssuer(paths);
      if (sameFiles(files, found) && isValid(current, now())) {
        complaint = "";
        return;
      }
      current = await parseIssuer(found, now());
      files = found;
      complaint = "";
      log.info("issuer updated", describeIssuer(current));
      options.updated?.();
    } catch (error) {
      if (complaint === describe(error)) return; // said once
      complaint = describe(error);
      log.warn("issuer update skipped, the old one stays in use", {
        error: complaint,
        hint: error instanceof Problem ? error.hint : undefined,
        ...describeIssuer(current),
      });
    }
  });
  const close = watchFiles(Object.values(paths), reloadEveryMs, reload);
  reload(); // what changed between the first reading and the watch

  return { current: () => current, close };
}

/** Throws `identity.unavailable` unless every certificate from the issuer to its anchor is valid at `now`. */
export function requireValid(issuer: LoadedIssuer, now: number): void {
  if (isValid(issuer, now)) return;
  const from = new Date(issuer.notBeforeMs).toISOString();
  const to = new Date(issuer.notAfterMs).toISOString();
  throw new Problem(
    "identity.unavailable",
    `Cannot issue: issuer "${issuer.certificate.subject}" or one above it is valid only from ${from} to ${to}`,
    { hint: "replace the issuer's certificate and key; no restart is needed" },
  );
}

function isValid(issuer: LoadedIssuer, now: number): boolean {
  return issuer.notBeforeMs <= now && now <= issuer.notAfterMs;
}

function describeIssuer(
  issuer: LoadedIssuer,
): { issuer: string; expires: string } {
  return {
    issuer: issuer.certificate.subject,
    expires: new Date(issuer.notAfterMs).toISOString(),
  };
}

function sameFiles(one: IssuerFiles, other: IssuerFiles): boolean {
  return one.certificate === other.certificate && one.key === other.key &&
    one.anchors === other.anchors;
}

/** Runs one call at a time; calls that come meanwhile make one more run at the end. */
function oneAtATime(work: () => Promise<void>): () => void {
  let state: "idle" | "running" | "again" = "idle";
  async function run(): Promise<void> {
    do {
      state = "running";
      await work();
    } while (isAgain());
    state = "idle";
  }
  const isAgain = (): boolean => state === "again";
  return () => {
    if (state === "idle") void run();
    else state = "again";
  };
}
