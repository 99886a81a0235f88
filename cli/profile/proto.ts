import { Problem } from "../../schemas/problem.ts";
import { quote, type Route } from "./routes.ts";

/** What of a .proto file tells structure: comments and white space fall away, text keeps its quotes. */
const TOKEN =
  /\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w.]+|[^\s]/g;

/** Methods that may be called twice, by their option `idempotency_level`. */
const RETRYABLE = ["IDEMPOTENT", "NO_SIDE_EFFECTS"];

/** The routes of the services in a .proto file, in its order. Throws `config.invalid` when `source` holds none. */
export function readProto(text: string, source: string): Route[] {
  const tokens = (text.match(TOKEN) ?? []).filter((token) =>
    !token.startsWith("//") && !token.startsWith("/*")
  );
  const routes: Route[] = [];
  let prefix = "";
  let depth = 0;
  let service: string | undefined;
  for (const [at, token] of tokens.entries()) {
    const next = tokens[at + 1] ?? "";
    if (token === "{") depth++;
    else if (token === "}") {
      if (--depth === 0) service = undefined;
    } else if (depth === 0 && token === "package") prefix = `${next}.`;
    else if (depth === 0 && token === "service") service = next;
    else if (depth === 1 && service !== undefined && token === "rpc") {
      routes.push(toRoute(`/${prefix}${service}/${next}`, next, tokens, at));
    }
  }
  if (depth === 0 && routes.length > 0) return routes;
  throw new Problem(
    "config.invalid",
    `Cannot read ${source} as protobuf: ${
      depth === 0 ? "it has no service with methods" : "a brace is missing"
    }`,
    { hint: "expected a .proto file" },
  );
}

function toRoute(
  path: string,
  name: string,
  tokens: readonly string[],
  at: number,
): Route {
  return {
    name,
    condition: { method: "POST", pathRegex: quote(path) },
    ...(RETRYABLE.includes(levelOf(tokens, at)) ? { isRetryable: true } : {}),
  };
}

/** What `option idempotency_level = …` says in the body of the method that begins at a token; a method may have none. */
function levelOf(tokens: readonly string[], at: number): string {
  let depth = 0;
  for (let here = at; here < tokens.length; here++) {
    const token = tokens[here];
    if (token === "{") depth++;
    if (token === "}" && --depth === 0) return "";
    if (token === ";" && depth === 0) return "";
    if (token === "idempotency_level" && tokens[here + 1] === "=") {
      return tokens[here + 2] ?? "";
    }
  }
  return "";
}
