/** A page of a proxy that talks to 1,000 endpoints has 10 MB; what sends more is none. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/** Of all pages that are under way at once: a hundred pods may not take a hundred times as much as one. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;

/** A page under way: what has come of it, and how to give it up. */
interface UnderWay {
  bytes: number;
  readonly ending: AbortController;
}

/** Fetches a metrics page; rejects when there is none, or one that does not end. */
export type FetchPage = (url: string, signal: AbortSignal) => Promise<string>;

/**
 * Fetches pages that take bounded memory, one and all together: when those under way have too much, the longest is given
 * up, so that no pod's page suffers from another's.
 */
export function createPageFetcher(
  { maxPage = MAX_PAGE_BYTES, maxTotal = MAX_TOTAL_BYTES } = {},
): FetchPage {
  const pages = new Set<UnderWay>();
  let total = 0;

  function add(page: UnderWay, bytes: number): void {
    page.bytes += bytes;
    total += bytes;
    if (page.bytes > maxPage) throw new Error(`more than ${maxPage} bytes`);
    if (total <= maxTotal) return;
    let longest = page;
    for (const other of pages) if (other.bytes > longest.bytes) longest = other;
    longest.ending.abort(
      new Error(`more than ${maxTotal} bytes together with other pages`),
    );
    page.ending.signal.throwIfAborted();
  }

  return async (url, signal) => {
    const page: UnderWay = { bytes: 0, ending: new AbortController() };
    const stop = () => page.ending.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    pages.add(page);
    try {
      const response = await fetch(url, {
        signal: page.ending.signal,
        redirect: "error",
      });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      const decoder = new TextDecoder();
      let text = "";
      for await (const chunk of response.body ?? []) {
        add(page, chunk.length);
        text += decoder.decode(chunk, { stream: true });
      }
      return text + decoder.decode();
    } catch (error) {
      throw page.ending.signal.aborted ? page.ending.signal.reason : error;
    } finally {
      // Whatever has not been read is not wanted any more.
      page.ending.abort();
      signal.removeEventListener("abort", stop);
      pages.delete(page);
      total -= page.bytes;
    }
  };
}
