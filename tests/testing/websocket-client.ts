// `bun tests/testing/websocket-client.ts url size...`: says messages of these sizes to a server that echoes, text and
// binary in turn, prints each size when it has come back unchanged, and closes with code 4001.
const [url = "", ...sizes] = process.argv.slice(2);

const socket = new WebSocket(url);
socket.binaryType = "arraybuffer";
let next = Promise.withResolvers<unknown>();
const closed = Promise.withResolvers<CloseEvent>();
socket.onmessage = ({ data }) => next.resolve(data);
socket.onerror = () => next.reject(new Error("the connection failed"));
socket.onclose = (event) => closed.resolve(event);
await new Promise((resolve) => socket.onopen = resolve);

const said: string[] = [];
for (const [at, size] of sizes.entries()) {
  const bytes = Buffer.alloc(Number(size), `message ${at}`);
  next = Promise.withResolvers();
  socket.send(at % 2 === 0 ? bytes.toString() : bytes);
  const heard = await next.promise;
  const same = typeof heard === "string"
    ? at % 2 === 0 && heard === bytes.toString()
    : at % 2 === 1 && bytes.equals(Buffer.from(heard as ArrayBuffer));
  if (!same) throw new Error(`message ${at} came back changed`);
  said.push(size);
}
socket.close(4001, "enough");
const { code, reason } = await closed.promise;
process.stdout.write(`${said.join(" ")} closed ${code} ${reason}\n`);
export {};
