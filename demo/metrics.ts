/** One number of a metrics page. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/gy;

/** The samples of a page in Prometheus' text format; lines of another form are passed over, as are comments. */
export function parseMetrics(page: string): Sample[] {
  return page.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    return [{ name, labels: parseLabels(labels), value: parseNumber(value) }];
  });
}

function parseLabels(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, name = "", value = ""]) => [
      name,
      value.replaceAll(
        /\\(.)/g,
        (_, escaped: string) => escaped === "n" ? "\n" : escaped,
      ),
    ]),
  );
}

function parseNumber(text: string): number {
  return text === "+Inf"
    ? Infinity
    : text === "-Inf"
    ? -Infinity
    : Number(text);
}

/**
 * What counters grew by since an earlier page of the same process. Series that are new count from 0, and so does one
 * that went down: its process began anew.
 */
export function since(
  samples: readonly Sample[],
  earlier: readonly Sample[],
): Sample[] {
  const before = new Map(
    earlier.map((sample) => [keyOf(sample), sample.value]),
  );
  return samples.map((sample) => {
    const start = before.get(keyOf(sample)) ?? 0;
    return sample.value < start
      ? sample
      : { ...sample, value: sample.value - start };
  });
}

/** A page prints a series' labels in the same order each time. */
function keyOf({ name, labels }: Sample): string {
  return `${name} ${JSON.stringify(labels)}`;
}
