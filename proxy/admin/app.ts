import { Problem } from "../../schemas/problem.ts";
import { Field, Name } from "../http/field.ts";
import { findField } from "../http/fields.ts";
import {
  type ClientStream,
  NO_TRAILERS,
  type RequestHead,
  ResponseHead,
  type ResponseReader,
  UNKNOWN_LENGTH,
} from "../http/message.ts";
import type { Applications } from "../inbound/apps.ts";
import { createInsideApps } from "../inside/apps.ts";
import { type AdminRequest, type Answer, text } from "./answer.ts";

/** Answers requests; never rejects. */
export type Answering = (request: AdminRequest) => Promise<Answer>;

/** Bytes of the longest body we take: a log filter. */
const BODY_MAX = 8_192;
const EXPECT = Name.of("expect");

const NOT_HTTP = new Problem(
  "protocol.invalid",
  "the admin port takes HTTP only",
);

/** The admin pages as an application of the pod. */
export function createAdminApps(answering: Answering): Applications {
  return createInsideApps((head, ended, reader, { ip }) => {
    const call = new Call(head, reader, (part) => answering({ ...part, ip }));
    if (ended) call.end();
    else if (findField(head.fields, EXPECT) !== null) {
      reader.responseInformational(new ResponseHead("1.1", 100, []));
    }
    return call;
  }, NOT_HTTP);
}

type Calling = (request: Omit<AdminRequest, "ip">) => Promise<Answer>;

/** One request and its answer. */
class Call implements ClientStream {
  private readonly head: RequestHead;
  private readonly reader: ResponseReader;
  private readonly calling: Calling;
  private readonly chunks: Uint8Array[] = [];
  private length = 0;
  private over = false;
  private paused: PromiseWithResolvers<void> | null = null;

  constructor(head: RequestHead, reader: ResponseReader, calling: Calling) {
    this.head = head;
    this.reader = reader;
    this.calling = calling;
  }

  data(chunk: Uint8Array): boolean {
    this.length += chunk.length;
    if (this.length > BODY_MAX) this.chunks.length = 0;
    else this.chunks.push(chunk.slice());
    return true;
  }

  end(): void {
    void this.answer();
  }

  reset(): void {
    this.over = true;
    this.resumeResponse();
  }

  pauseResponse(): void {
    this.paused ??= Promise.withResolvers();
  }

  resumeResponse(): void {
    this.paused?.resolve();
    this.paused = null;
  }

  upgrade(): never {
    throw NOT_HTTP;
  }

  private async answer(): Promise<void> {
    const { head } = this;
    const [path = "", ...query] = head.path.text.split("?");
    const { status, headers, body } = this.length > BODY_MAX
      ? text(413, "the body is too long")
      : await this.calling({
        method: head.method.text,
        path,
        query: query.join("?"),
        field: (name) => findField(head.fields, Name.of(name))?.text ?? null,
        body: await new Blob(this.chunks as BlobPart[]).text(),
      });
    const bytes = typeof body === "string"
      ? new TextEncoder().encode(body)
      : null;
    const fields = Object.entries(headers).map(([name, value]) =>
      Field.of(name, value)
    );
    const length = bytes?.length ?? UNKNOWN_LENGTH;
    const bare = head.method.text === "HEAD" || length === 0;
    if (!this.over) {
      const answer = new ResponseHead("1.1", status, fields, length);
      this.reader.responseHead(answer, bare);
    }
    if (typeof body !== "string") await this.pour(body, bare);
    else if (!bare) this.finish(bytes);
  }

  /** Sends a body as it is made, no faster than the client takes it. */
  private async pour(
    body: ReadableStream<Uint8Array>,
    bare: boolean,
  ): Promise<void> {
    if (bare) return await body.cancel();
    for await (const chunk of body) {
      if (this.over) return;
      if (!this.reader.responseData(chunk)) this.pauseResponse();
      await this.paused?.promise;
    }
    this.finish(null);
  }

  private finish(last: Uint8Array | null): void {
    if (this.over) return;
    if (last !== null) this.reader.responseData(last);
    this.over = true;
    this.reader.responseEnd(NO_TRAILERS);
  }
}
