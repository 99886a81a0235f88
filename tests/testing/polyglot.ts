import type { Pod } from "../../demo/bed/pod.ts";
import type { Channel } from "../../proxy/channel.ts";
import { Field } from "../../proxy/http/field.ts";
import { type Exchange, ResponseHead } from "../../proxy/http/message.ts";
import { serveHttp1 } from "../../proxy/http1/server.ts";
import { serveHttp2 } from "../../proxy/http2/server.ts";
import { isGrpc } from "../../proxy/rescue.ts";
import { listenTcp } from "../../proxy/socket.ts";
import { textOf } from "../../proxy/testing/recorder.ts";
import { inPod } from "./in-pod.ts";

/** A server in a pod that speaks whatever its clients do: HTTP/1, HTTP/2, gRPC, and what is neither comes back. */
export interface Polyglot {
  /** Paths asked for, as they came, and texts. */
  readonly heard: string[];
  close(): void;
}

/** Serves on all addresses of a pod, from this process. */
export function servePolyglot(pod: Pick<Pod, "netns">, port: number): Polyglot {
  const heard: string[] = [];
  const channels: Channel[] = [];
  const answer = (exchange: Exchange): void => {
    const { head } = exchange;
    heard.push(head.path.text);
    exchange.reader = NOBODY;
    if (head.upgrade) {
      const fields = ["connection: upgrade", "upgrade: echo"].map(fieldOf);
      exchange.respond(new ResponseHead("1.1", 101, fields), true);
      return echo(exchange.upgrade(), heard);
    }
    const fields = isGrpc(head)
      ? ["content-type: application/grpc", "grpc-status: 0"].map(fieldOf)
      : [];
    exchange.respond(new ResponseHead("1.1", 200, fields, 0), true);
  };
  const listener = inPod(
    pod,
    () =>
      listenTcp({ ip: "0.0.0.0", port }, {}, (channel) => {
        channels.push(channel);
        channel.attach({
          ...SILENT,
          data(chunk) {
            const first = textOf(chunk);
            channel.unread(chunk.slice());
            if (first.startsWith("PRI ")) serveHttp2(channel, {}, answer);
            else if (/^[A-Z]+ /.test(first)) serveHttp1(channel, {}, answer);
            else echo(channel, heard);
          },
        });
      }),
  );
  return {
    heard,
    close() {
      listener.close();
      for (const channel of channels) channel.destroy();
    },
  };
}

function echo(channel: Channel, heard: string[]): void {
  channel.attach({
    ...SILENT,
    data(chunk) {
      heard.push(textOf(chunk));
      channel.write(chunk);
    },
    end: () => channel.end(),
  });
}

function fieldOf(line: string): Field {
  const [name = "", value = ""] = line.split(": ");
  return Field.of(name, value);
}

const SILENT = { data() {}, end() {}, drain() {}, close() {} };
const NOBODY = {
  requestData: () => true,
  requestEnd() {},
  requestReset() {},
  responseDrain() {},
};
