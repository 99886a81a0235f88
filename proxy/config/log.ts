import { type Filter, parseFilter } from "../log/filter.ts";
import { choice, type Form } from "./forms.ts";
import { optional, section, type Setting } from "./setting.ts";

export interface LogConfig {
  readonly filter: Filter;
  readonly format: "plain" | "json";
  /** Null: requests are not logged one by one. */
  readonly access: "apache" | "json" | null;
}

const filter: Form<Filter> = {
  expected: "a log filter such as warn,linkerd=info",
  parse: parseFilter,
};

/** Linkerd's default, for users who know it. */
const DEFAULT_FILTER = "warn,linkerd=info,hickory=error";

export const log: Setting<LogConfig> = section<LogConfig>({
  filter: (source) => optional("LOG", filter, null)(source) ?? fallbackFilter(),
  format: optional("LOG_FORMAT", choice("plain", "json"), "plain"),
  access: optional("ACCESS_LOG", choice("apache", "json"), null),
});

function fallbackFilter(): Filter {
  const parsed = parseFilter(DEFAULT_FILTER);
  if (parsed === null) throw new Error("the default log filter is malformed");
  return parsed;
}
