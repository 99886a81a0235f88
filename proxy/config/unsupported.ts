import { readText, type Source, variable } from "./setting.ts";

/** Variables that switch on what this version does not have: any value is refused. */
const REFUSED: Readonly<Record<string, string>> = {
  IDENTITY_DISABLED: "a proxy without identity",
  IDENTITY_SPIRE_WORKLOAD_API_ADDRESS: "identity from SPIRE",
  IDENTITY_SPIRE_SOCKET: "identity from SPIRE",
};

/** Variables whose feature can be missed without harm: it is only said that it is. */
const MISSED: Readonly<Record<string, string>> = {
  DNS_MIN_TTL: "names are resolved for each connection",
  DNS_MAX_TTL: "names are resolved for each connection",
  ...perServer("MAX_FRAME_SIZE", "frames have 16 KiB at most"),
  ...perServer("MAX_PENDING_ACCEPT_RESET_STREAMS", "the limit is fixed"),
  ...perServer("MAX_SEND_BUF_SIZE", "the limit is fixed"),
};

function perServer(name: string, lack: string): Record<string, string> {
  return {
    [`INBOUND_SERVER_HTTP2_${name}`]: lack,
    [`OUTBOUND_SERVER_HTTP2_${name}`]: lack,
  };
}

/** Says which features were asked for that this version does not have. */
export function checkUnsupported(source: Source): void {
  const refuse = (name: string, feature: string) => {
    source.mistakes.push(
      `${
        variable(name)
      } asks for ${feature}, which is not supported by this version; expected it to be unset`,
    );
  };
  for (const [name, feature] of Object.entries(REFUSED)) {
    if (readText(source, name) !== null) refuse(name, feature);
  }
  for (const [name, lack] of Object.entries(MISSED)) {
    const value = readText(source, name);
    // Linkerd's injector writes "false" for what is off.
    if (value !== null && value !== "false") {
      source.warnings.push(
        `${variable(name)} is ignored: ${lack} in this version`,
      );
    }
  }
}
