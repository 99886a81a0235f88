/** `bun bulk-source.ts port`: sends bytes to whoever connects, for as long as they are taken. */

/** As much as one write hands to the kernel; more makes no difference to throughput. */
const CHUNK = new Uint8Array(1 << 20).fill(0x6c);

Bun.listen({
  hostname: "0.0.0.0",
  port: Number(process.argv[2]),
  socket: {
    open: pour,
    drain: pour,
    data() {},
  },
});

function pour(socket: Bun.Socket): void {
  while (socket.write(CHUNK) === CHUNK.length);
}

process.stdout.write("ready\n");
