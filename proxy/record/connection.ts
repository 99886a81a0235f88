import type { ConnectionMeters } from "../socket.ts";
import { TcpRecorder } from "./tcp.ts";
import type { TcpFamilies } from "./traffic.ts";

/** The `tcp_*` metrics of one connection: the series are given back when it closes. */
export function recordConnection(
  families: TcpFamilies,
  labels: string,
): ConnectionMeters {
  const recorder = new TcpRecorder(families, labels);
  return {
    readBytes: recorder.readBytes,
    writeBytes: recorder.writeBytes,
    opened: () => recorder.opened(),
    closed(errno) {
      recorder.closed(errno);
      recorder.release();
    },
  };
}
