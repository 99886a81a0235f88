import type { Labels, TapEvent, TapField } from "../../schemas/tap.ts";

/** An event's ends and its own fields, but for the texts that are as long as somebody makes them. */
const USUAL_CHARS = 1_000;

/** About how many characters an event has. */
export function weightOf(event: TapEvent): number {
  const { requestInitEvent, responseInitEvent, responseEndEvent } = event;
  let chars = USUAL_CHARS + charsOf(event.source.metadata) +
    charsOf(event.destination.metadata) + charsOf(event.routeMeta ?? {});
  if (requestInitEvent !== undefined) {
    const { method, scheme, authority, path, headers } = requestInitEvent;
    chars += method.length + scheme.length + authority.length + path.length +
      charsOfFields(headers);
  }
  return chars + charsOfFields(responseInitEvent?.headers) +
    charsOfFields(responseEndEvent?.trailers);
}

function charsOf(labels: Labels): number {
  let chars = 0;
  for (const key in labels) chars += key.length + (labels[key]?.length ?? 0);
  return chars;
}

/** A field costs its names and marks besides its text. */
const FIELD_CHARS = 40;

function charsOfFields(fields: readonly TapField[] | null = null): number {
  let chars = 0;
  for (const field of fields ?? []) {
    const value = "valueStr" in field ? field.valueStr : field.valueBin;
    chars += FIELD_CHARS + field.name.length + value.length;
  }
  return chars;
}
