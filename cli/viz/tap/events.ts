import { harmless } from "../../../schemas/harmless.ts";
import { describe, Problem } from "../../../schemas/problem.ts";
import type { TapEvent } from "../../../schemas/tap.ts";
import { isMap } from "../../../schemas/values/merge.ts";

/** The longest event: 100 header fields of 8 KB each, the most that a proxy takes, as base64. */
const LINE_MAX_CHARS = 2 * 1024 * 1024;

/** Events of a stream of lines of JSON. Empty lines say that there is nothing to show. Throws `protocol.invalid`. */
export async function* readEvents(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<TapEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_MAX_CHARS) {
      throw broken(`an event of more than ${LINE_MAX_CHARS} characters`);
    }
    for (const line of lines) if (line.trim() !== "") yield parseEvent(line);
  }
}

function parseEvent(line: string): TapEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw broken(describe(error));
  }
  if (isEvent(value)) return value;
  const error = isMap(value) ? value["error"] : undefined;
  throw typeof error === "string"
    ? new Problem("request.invalid", `The tap has failed: ${harmless(error)}`)
    : broken("a line that is no event");
}

/** What else an event must have, those who send it know: they are of our own release. */
function isEvent(value: unknown): value is TapEvent {
  return isMap(value) &&
    [value["source"], value["destination"]].every((end) =>
      isMap(end) && isMap(end["metadata"])
    );
}

function broken(found: string): Problem {
  return new Problem(
    "protocol.invalid",
    `Cannot read the stream of requests: ${found}`,
    {
      hint: "linkerd version tells whether command and mesh are of one release",
    },
  );
}
