// `bun tests/testing/converse.ts host port`: talks over TCP with a server that sends back what it hears, on one connection
// that stays open and, every round, on a new one besides. Says "started" on standard error after the first round, ends on
// SIGTERM, and then prints one line of JSON, a Conversation.

/** What was said over how many connections, and what went wrong. */
export interface Conversation {
  /** Lines said and heard again on the connection that stayed open. */
  readonly rounds: number;
  /** Connections that were opened, used and closed besides. */
  readonly visits: number;
  /** Why a connection was of no use; none is expected. */
  readonly failures: readonly string[];
}

/** Time between two rounds. */
const PAUSE_MS = 50;

interface Line {
  /** Says something and resolves when it comes back; rejects when the connection is over. */
  say(text: string): Promise<void>;
  close(): void;
}

async function connect(hostname: string, port: number): Promise<Line> {
  let heard = "";
  let wanted = "";
  let settle = Promise.withResolvers<void>();
  const over = (reason: string): void => {
    settle.promise.catch(() => {});
    settle.reject(new Error(reason));
  };
  const socket = await Bun.connect({
    hostname,
    port,
    socket: {
      data(_socket, chunk) {
        heard += chunk.toString();
        if (heard === wanted) settle.resolve();
        else if (!wanted.startsWith(heard)) over(`heard "${heard}"`);
      },
      end: () => over("ended by the other side"),
      close: () => over("closed"),
      error: (_socket, error) => over(error.message),
    },
  });
  return {
    async say(text) {
      heard = "";
      wanted = text;
      settle = Promise.withResolvers<void>();
      if (socket.write(text) < text.length) over("could not be written to");
      await settle.promise;
    },
    close: () => socket.end(),
  };
}

async function converse(
  hostname: string,
  port: number,
  stop: AbortSignal,
): Promise<Conversation> {
  const failures: string[] = [];
  let rounds = 0;
  let visits = 0;
  const staying = await connect(hostname, port);
  const guarded = async (what: string, step: () => Promise<void>) => {
    try {
      await step();
    } catch (error) {
      failures.push(`${what}: ${error}`);
    }
  };
  while (!stop.aborted && failures.length === 0) {
    await guarded("the connection that stays", async () => {
      await staying.say(`round ${rounds}\n`);
      rounds++;
    });
    await guarded("a new connection", async () => {
      const visitor = await connect(hostname, port);
      await visitor.say(`visit ${visits}\n`);
      visitor.close();
      visits++;
    });
    if (visits === 1) process.stderr.write("started\n");
    await Bun.sleep(PAUSE_MS);
  }
  staying.close();
  return { rounds, visits, failures };
}

if (import.meta.main) {
  const stop = new AbortController();
  process.on("SIGTERM", () => stop.abort());
  const [hostname = "", port = ""] = process.argv.slice(2);
  const result = await converse(hostname, Number(port), stop.signal);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
