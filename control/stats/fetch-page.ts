/** A page of a busy proxy has 1 MB; what sends more is none. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/** Fetches a metrics page; throws when there is none, or one that does not end. */
export async function fetchPage(
  url: string,
  signal: AbortSignal,
): Promise<string> {
  const response = await fetch(url, { signal, redirect: "error" });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  const decoder = new TextDecoder();
  let page = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_PAGE_BYTES) {
      throw new Error(`more than ${MAX_PAGE_BYTES} bytes`);
    }
    page += decoder.decode(chunk, { stream: true });
  }
  return page + decoder.decode();
}
