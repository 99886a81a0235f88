import type { Registry } from "../../record.ts";

/** The whole metrics page as one text. */
export function pageOf(registry: Registry, nowMs: number): string {
  return [...registry.expose(nowMs)].join("");
}
