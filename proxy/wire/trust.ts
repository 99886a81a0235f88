import { decode } from "./reader.ts";

/** A `linkerd_ts.trust.TrustBundle`: certificates in PEM, as they were sent. */
export function decodeTrustBundle(bytes: Uint8Array): string {
  return decode(bytes, (reader) => {
    let anchors = "";
    while (reader.next()) {
      if (reader.field === 1) anchors = reader.string();
      else reader.skip();
    }
    return anchors;
  });
}
