import http from "node:http";
import { HINT } from "../../schemas/tap.ts";
import { isMap } from "../../schemas/values/merge.ts";
import { ApiError } from "../cluster.ts";

/** What a server's `Status` says; of an answer that is none, its first words. */
export function refusalOf(status: number, text: string): ApiError {
  const said = parseJson(text);
  const fields = isMap(said) ? said : {};
  const reason = String(
    fields["reason"] || http.STATUS_CODES[status] || status,
  );
  const message = typeof fields["message"] === "string"
    ? fields["message"]
    : text.trim().slice(0, 200) || reason;
  return new ApiError(status, reason, message, hintOf(fields["details"]));
}

function hintOf(details: unknown): string | undefined {
  const causes = isMap(details) ? details["causes"] : undefined;
  if (!Array.isArray(causes)) return undefined;
  const hint = causes.find((cause) => isMap(cause) && cause["reason"] === HINT);
  return typeof hint?.message === "string" ? hint.message : undefined;
}

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
