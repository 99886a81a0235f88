/** Who asks, as its proxy says; everything may be missing. */
export interface Caller {
  readonly namespace: string | null;
  readonly nodeName: string | null;
}

const NOBODY: Caller = { namespace: null, nodeName: null };

/**
 * Reads a context token: JSON with `ns` and `nodeName`, or the older `ns:<namespace>`. It only narrows what its bearer
 * is told, so one that cannot be read counts as none, as in Linkerd.
 */
export function parseToken(text: string): Caller {
  if (text.startsWith("ns:")) return { ...NOBODY, namespace: text.slice(3) };
  if (!text.startsWith("{")) return NOBODY;
  try {
    const { ns, nodeName } = JSON.parse(text);
    return { namespace: textOrNull(ns), nodeName: textOrNull(nodeName) };
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return NOBODY;
    throw thrown;
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
