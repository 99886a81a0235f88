/** Serves HTTP on all addresses of a pod, says "ready", and on SIGTERM ends once open requests are answered. */
export function serve(
  port: number,
  handle: (request: Request) => Response | Promise<Response>,
): void {
  const server = Bun.serve({ port, hostname: "0.0.0.0", fetch: handle });
  process.on("SIGTERM", () => {
    void server.stop().then(() => process.exit(0));
  });
  process.stdout.write("ready\n");
}
