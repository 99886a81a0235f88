// A headless Chromium, driven over the DevTools protocol.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START_TIMEOUT_MS = 30_000;

export interface Browser {
  open(): Promise<Tab>;
  close(): Promise<void>;
}

export interface Tab {
  /** Calls a method of the protocol, such as `Page.navigate`. */
  call(
    method: string,
    parameters?: Record<string, unknown>,
  ): Promise<Record<string, unknown>>;
  /** Goes to an address and waits until all of it is there. */
  go(url: string): Promise<void>;
  /** Follows a link of the page and waits until where it leads is loaded. */
  follow(selector: string): Promise<void>;
  /** The value of an expression, or of its promise. */
  evaluate<T>(expression: string): Promise<T>;
  /** What the console and the page's policy have complained about. */
  readonly complaints: string[];
  /** Addresses asked for, and bytes that came, since `go`. */
  readonly traffic: { urls: string[]; bytes: number };
}

type Message = {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
};

/** Starts Debian's chromium-headless-shell with a profile of its own. */
export async function openBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), "chromium-"));
  const process = Bun.spawn([
    "chromium-headless-shell",
    // Of what it shows, all is ours; and as root, it has no sandbox.
    ...["--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
    ...["--remote-debugging-port=0", `--user-data-dir=${profile}`],
    "about:blank",
  ], { stdout: "ignore", stderr: "pipe" });
  const socket = new WebSocket(await addressOf(process.stderr));
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("cannot reach Chromium"));
  });
  let last = 0;
  const waiting = new Map<number, (message: Message) => void>();
  const listeners = new Map<string, (message: Message) => void>();
  socket.onmessage = ({ data }) => {
    const message: Message = JSON.parse(String(data));
    if (message.id === undefined) {
      listeners.get(message.sessionId ?? "")?.(message);
      return;
    }
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  };
  async function call(
    method: string,
    params: Record<string, unknown>,
    sessionId?: string,
  ): Promise<Record<string, unknown>> {
    const id = ++last;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params, sessionId }));
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }
  return {
    async open() {
      const { targetId } = await call("Target.createTarget", {
        url: "about:blank",
      });
      const { sessionId } = await call("Target.attachToTarget", {
        targetId,
        flatten: true,
      });
      const session = String(sessionId);
      return await openTab(
        (method, parameters = {}) => call(method, parameters, session),
        (hear) => listeners.set(session, hear),
      );
    },
    async close() {
      // What was started is a script of Debian's, which waits for the browser: a signal would end the script alone.
      void call("Browser.close", {});
      await process.exited;
      socket.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** `DevTools listening on ws://127.0.0.1:…`, on its standard error. */
async function addressOf(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let said = "";
  const found = Promise.withResolvers<string>();
  const timer = setTimeout(
    () => found.reject(new Error(`Chromium does not start: ${said}`)),
    START_TIMEOUT_MS,
  );
  const reading = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stderr) {
      said = (said + decoder.decode(chunk, { stream: true })).slice(-10_000);
      const [, address] = /listening on (ws:\S+)/.exec(said) ?? [];
      if (address !== undefined) found.resolve(address);
    }
    found.reject(new Error(`Chromium has ended: ${said}`));
  };
  void reading();
  return await found.promise.finally(() => clearTimeout(timer));
}

async function openTab(
  call: Tab["call"],
  listen: (hear: (message: Message) => void) => void,
): Promise<Tab> {
  const complaints: string[] = [];
  const traffic: Tab["traffic"] = { urls: [], bytes: 0 };
  let loaded = () => {};
  listen(({ method, params = {} }) => {
    const { entry, request, encodedDataLength } = params as {
      entry?: { level: string; text: string };
      request?: { url: string };
      encodedDataLength?: number;
    };
    switch (method) {
      case "Page.loadEventFired":
        return loaded();
      case "Log.entryAdded":
        if (entry?.level === "error") complaints.push(entry.text);
        return;
      case "Runtime.exceptionThrown":
        complaints.push(JSON.stringify(params));
        return;
      case "Network.requestWillBeSent":
        traffic.urls.push(request?.url ?? "");
        return;
      case "Network.loadingFinished":
        traffic.bytes += encodedDataLength ?? 0;
    }
  });
  for (const domain of ["Page", "Runtime", "Log", "Network"]) {
    await call(`${domain}.enable`);
  }
  async function loadedBy(act: () => Promise<unknown>): Promise<void> {
    traffic.urls = [];
    traffic.bytes = 0;
    const load = new Promise<void>((resolve) => loaded = resolve);
    await act();
    await load;
  }

  async function evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await call("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    }) as { result?: { value?: unknown }; exceptionDetails?: unknown };
    if (exceptionDetails !== undefined) {
      throw new Error(JSON.stringify(exceptionDetails));
    }
    return result?.value as T;
  }

  return {
    call,
    complaints,
    traffic,
    go: (url) => loadedBy(() => call("Page.navigate", { url })),
    follow: (selector) =>
      loadedBy(() =>
        // After the answer: what is asked of a page that is being left has none.
        evaluate(
          `{ const link = document.querySelector(${
            JSON.stringify(selector)
          }); link.focus(); setTimeout(() => link.click()); }`,
        )
      ),
    evaluate,
  };
}
