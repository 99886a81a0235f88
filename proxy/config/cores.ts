import { integer, ratio } from "./forms.ts";
import { optional, type Source, variable } from "./setting.ts";

/** More cores than any machine has. */
const CORES_MAX = 1_024;

/** Reads how many cores the proxy is given; it uses one, and says so when more were meant. */
export function checkCores(source: Source): void {
  const names = ["CORES", "CORES_MIN", "CORES_MAX"];
  const asked = names.filter((name) =>
    optional(name, integer(1, CORES_MAX), 1)(source) > 1
  );
  if (optional("CORES_MAX_RATIO", ratio(1), null)(source) !== null) {
    asked.push("CORES_MAX_RATIO");
  }
  if (asked.length > 0) {
    source.warnings.push(
      `${
        asked.map(variable).join(", ")
      } is ignored: the proxy runs on one core in this version`,
    );
  }
}
