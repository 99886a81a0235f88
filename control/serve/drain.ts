type Fetch = (request: Request) => Response | Promise<Response>;

/** A server that goes on for a while after it was told to end. */
export interface Drain {
  readonly fetch: Fetch;
  /**
   * Goes on answering for so long, each answer being the last on its connection: who asks again connects anew, and by
   * then to somebody else.
   */
  readonly drain: (ms: number) => Promise<void>;
}

export function createDrain(fetch: Fetch): Drain {
  let isDraining = false;
  return {
    fetch: async (request) => {
      const response = await fetch(request);
      if (isDraining) response.headers.set("connection", "close");
      return response;
    },
    drain: async (ms) => {
      isDraining = true;
      await Bun.sleep(ms);
    },
  };
}
