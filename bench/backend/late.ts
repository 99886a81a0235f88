/** `bun late.ts port delayMs`: an HTTP/1.1 server that answers everything after a while, however much it has to do. */
const [port = "", delayMs = ""] = process.argv.slice(2);

Bun.serve({
  port: Number(port),
  async fetch() {
    await Bun.sleep(Number(delayMs));
    return new Response("late\n");
  },
});
process.stdout.write("ready\n");
