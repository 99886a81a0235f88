import { Problem } from "../../schemas/problem.ts";
import type { End, Match } from "../tap/match.ts";
import { readNetwork } from "./common.ts";
import { readMethod, readScheme } from "./tap-words.ts";
import { decode, type Reader } from "./reader.ts";

/** What `Observe` asks for. */
export interface ObserveRequest {
  /** Requests at most. */
  readonly limit: number;
  readonly match: Match;
  /** Whether events have header fields and trailers. */
  readonly fields: boolean;
}

/** Matches within matches; those of Linkerd's control plane go four deep. */
const MAX_DEPTH = 16;
/** Matches in all: each may cost something with every request of the pod. A namespace's pods are matched by one label. */
const MAX_MATCHES = 512;

/** Reads an `ObserveRequest`; throws `protocol.invalid` for what cannot be read, `request.invalid` for what means nothing. */
export function decodeObserveRequest(bytes: Uint8Array): ObserveRequest {
  return decode(bytes, (reader) => {
    let limit = 0;
    let match: Match | null = null;
    let fields = false;
    const budget = { left: MAX_MATCHES };
    while (reader.next()) {
      if (reader.field === 1) limit = reader.uint32();
      else if (reader.field === 2) {
        match = reader.message((inner) => readMatch(inner, 1, budget));
      } else if (reader.field === 3) fields = reader.message(readExtract);
      else reader.skip();
    }
    if (limit === 0) throw invalid("limit must be positive");
    return { limit, match: there(match), fields };
  });
}

interface Budget {
  left: number;
}

/** Null: it is empty. */
function readMatch(
  reader: Reader,
  depth: number,
  budget: Budget,
): Match | null {
  if (depth > MAX_DEPTH) {
    throw invalid(`matches are nested deeper than ${MAX_DEPTH}`);
  }
  if (--budget.left < 0) throw invalid(`more than ${MAX_MATCHES} matches`);
  const within = (inner: Reader) => readMatch(inner, depth + 1, budget);
  let match: Match | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
      case 2:
        match = {
          kind: reader.field === 1 ? "all" : "any",
          matches: reader.message((inner) => readList(inner, within)),
        };
        break;
      case 3:
        match = { kind: "not", match: there(reader.message(within)) };
        break;
      case 4:
        match = reader.message((inner) => readTcp(inner, "source"));
        break;
      case 5:
        match = reader.message((inner) => readTcp(inner, "destination"));
        break;
      case 6:
        match = reader.message(readHttp);
        break;
      case 7:
        match = reader.message((inner) => readLabel(inner, "destination"));
        break;
      case 8:
        match = reader.message((inner) => readLabel(inner, "route"));
        break;
      default:
        reader.skip();
    }
  }
  return match;
}

/** As in Linkerd, empty ones in a list are passed over. */
function readList(
  reader: Reader,
  within: (reader: Reader) => Match | null,
): Match[] {
  const matches: Match[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      const match = reader.message(within);
      if (match !== null) matches.push(match);
    } else reader.skip();
  }
  return matches;
}

function readTcp(reader: Reader, of: End): Match {
  let match: Match | null = null;
  while (reader.next()) {
    if (reader.field === 1) {
      const network = reader.message(readNetwork);
      if (network === null || network.prefixBits === 0) {
        throw invalid("invalid network address");
      }
      match = { kind: "network", of, network };
    } else if (reader.field === 3) {
      match = { kind: "ports", of, ...reader.message(readPorts) };
    } else reader.skip();
  }
  return there(match);
}

/** One bound alone is both. */
function readPorts(reader: Reader): { first: number; last: number } {
  let min = 0;
  let max = 0;
  while (reader.next()) {
    if (reader.field === 1) min = reader.uint32();
    else if (reader.field === 2) max = reader.uint32();
    else reader.skip();
  }
  const first = min === 0 ? max : min;
  const last = max === 0 ? min : max;
  if (first === 0) throw missing();
  if (first > 65_535 || last > 65_535) throw invalid("invalid port number");
  return { first, last };
}

function readLabel(reader: Reader, of: "destination" | "route"): Match {
  let name = "";
  let value = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) value = reader.string();
    else reader.skip();
  }
  if (name === "" || value === "") throw missing();
  return { kind: "label", of, name, value };
}

function readHttp(reader: Reader): Match {
  let match: Match | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        match = { kind: "scheme", value: word(reader.message(readScheme)) };
        break;
      case 2:
        match = { kind: "authority", ...reader.message(readText) };
        break;
      case 3:
        match = { kind: "method", value: word(reader.message(readMethod)) };
        break;
      case 4:
        match = { kind: "path", ...reader.message(readText) };
        break;
      default:
        reader.skip();
    }
  }
  return there(match);
}

function readText(
  reader: Reader,
): { readonly how: "exact" | "prefix"; readonly value: string } {
  let found: ReturnType<typeof readText> | null = null;
  while (reader.next()) {
    if (reader.field === 1) found = { how: "exact", value: reader.string() };
    else if (reader.field === 2) {
      found = { how: "prefix", value: reader.string() };
    } else reader.skip();
  }
  return there(found);
}

/** Whether fields are asked for; what else there may be to extract is nothing we know. */
function readExtract(reader: Reader): boolean {
  let fields = false;
  while (reader.next()) {
    if (reader.field === 1) fields = reader.message(readExtractHttp);
    else reader.skip();
  }
  return fields;
}

function readExtractHttp(reader: Reader): boolean {
  let fields = false;
  while (reader.next()) {
    if (reader.field === 1) fields = true;
    reader.skip();
  }
  return fields;
}

function word(found: string | null): string {
  if (found === null || found === "") throw missing();
  return found;
}

function there<T>(found: T | null): T {
  if (found === null) throw missing();
  return found;
}

function missing(): Problem {
  return invalid("missing required field");
}

function invalid(message: string): Problem {
  return new Problem("request.invalid", message);
}
