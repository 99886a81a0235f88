/** Over this an event is refused: etcd holds objects of 1.5 MB at most, and JSON escapes may double that. */
const LINE_MAX_CHARS = 4 << 20;

/** The lines of a stream of text, in batches: those that came together, without their line feeds. */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const text = decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf("\n");
    if (end < 0) {
      rest += text;
    } else {
      yield (rest + text.slice(0, end)).split("\n");
      rest = text.slice(end + 1);
    }
    if (rest.length > LINE_MAX_CHARS) {
      throw new Error(`a line is longer than ${LINE_MAX_CHARS} characters`);
    }
  }
}
