// `bun tests/testing/say.ts host port text`: sends a line over TCP, ends its side, and prints what comes back.
const [hostname = "", port = "", text = ""] = process.argv.slice(2);

await Bun.connect({
  hostname,
  port: Number(port),
  allowHalfOpen: true,
  socket: {
    open(socket) {
      socket.write(`${text}\n`);
      socket.shutdown();
    },
    data: (_socket, chunk) => void process.stdout.write(chunk),
    end: (socket) => void socket.end(),
    close: () => process.exit(0),
  },
});
