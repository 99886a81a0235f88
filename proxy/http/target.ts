import { Field } from "./field.ts";
import { AUTHORITY, HOST, type RequestHead } from "./message.ts";

/** Makes a request one for this authority, whatever it was for: in the place where its version has it. */
export function nameTarget(head: RequestHead, authority: string): void {
  const value = new TextEncoder().encode(authority);
  const isHttp2 = head.version === "2";
  head.authority = isHttp2 || head.absolute
    ? new Field(AUTHORITY, value)
    : null;
  head.host = isHttp2 ? null : new Field(HOST, value);
}
