import { spawn } from "node:child_process";
import { once } from "node:events";
import { isAbsolute, join } from "node:path";
import process from "node:process";
import { describe, Problem } from "../../schemas/problem.ts";
import { isMap } from "../../schemas/values/merge.ts";
import type { World } from "../command.ts";
import { type Access, urlOf } from "./access.ts";
import type { Credentials } from "./credentials.ts";
import { type Entry, textOf } from "./kubeconfig.ts";

/** How long a plugin may take: a person may have to log in, in a browser. */
const PLUGIN_TIMEOUT_MS = 5 * 60_000;
/** The longest answer of a plugin: a certificate chain and a key are some 10 KB. */
const ANSWER_MAX_BYTES = 1024 * 1024;
/** Versions of the plugins' protocol. */
const VERSIONS = [
  "client.authentication.k8s.io/v1",
  "client.authentication.k8s.io/v1beta1",
];

/** Runs a kubeconfig's credential plugin. Throws `config.invalid` when it fails or answers with no credentials. */
export async function runPlugin(
  { user, cluster, server, ca, insecure, serverName, proxy }: Access,
  { env }: World,
): Promise<Credentials> {
  const plugin = readPlugin(user);
  const info = {
    apiVersion: plugin.apiVersion,
    kind: "ExecCredential",
    spec: {
      interactive: plugin.interactive,
      ...(plugin.wantsCluster
        ? {
          cluster: {
            server: urlOf({ server }),
            "tls-server-name": serverName,
            "insecure-skip-tls-verify": insecure,
            "certificate-authority-data": ca === undefined
              ? undefined
              : btoa(ca),
            "proxy-url": proxy,
            config: extensionOf(cluster),
          },
        }
        : {}),
    },
  };
  const text = await collect(plugin, {
    ...env,
    ...plugin.env,
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  });
  return readAnswer(text, plugin);
}

interface Plugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly interactive: boolean;
  readonly wantsCluster: boolean;
  /** How to get the command, as the kubeconfig says. */
  readonly installHint: string | undefined;
}

function readPlugin({ fields, folder }: Entry): Plugin {
  const exec = isMap(fields["exec"]) ? fields["exec"] : {};
  const command = textOf(exec, "command") ?? "";
  const apiVersion = textOf(exec, "apiVersion") ?? "";
  if (!VERSIONS.includes(apiVersion)) {
    throw new Problem(
      "config.invalid",
      `Cannot use credential plugin "${command}": its apiVersion is "${apiVersion}", expected ${
        VERSIONS.join(" or ")
      }`,
    );
  }
  const mode = textOf(exec, "interactiveMode") ?? "IfAvailable";
  const interactive = mode !== "Never" && process.stdin.isTTY === true;
  if (mode === "Always" && !interactive) {
    throw new Problem(
      "config.invalid",
      `Cannot use credential plugin "${command}": it wants to ask you, and standard input is not a terminal`,
    );
  }
  const args = Array.isArray(exec["args"]) ? exec["args"].map(String) : [];
  const isPath = command.includes("/") && !isAbsolute(command);
  return {
    apiVersion,
    command: isPath ? join(folder, command) : command,
    args,
    env: readEnv(exec["env"]),
    interactive,
    wantsCluster: exec["provideClusterInfo"] === true,
    installHint: textOf(exec, "installHint"),
  };
}

function readEnv(list: unknown): Record<string, string> {
  const pairs = (Array.isArray(list) ? list : []).filter(isMap);
  return Object.fromEntries(
    pairs.map(({ name, value }) => [String(name), String(value ?? "")]),
  );
}

/** What the cluster's entry has for plugins alone. */
function extensionOf({ fields }: Entry): unknown {
  const extensions = fields["extensions"];
  return (Array.isArray(extensions) ? extensions : []).filter(isMap).find((
    { name },
  ) => name === "client.authentication.k8s.io/exec")?.["extension"];
}

/** All that the plugin says on standard output; its errors go where ours go. */
async function collect(
  plugin: Plugin,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const child = spawn(plugin.command, [...plugin.args], {
    env: { ...env },
    stdio: [plugin.interactive ? "inherit" : "ignore", "pipe", "inherit"],
    timeout: PLUGIN_TIMEOUT_MS,
  });
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    if (text.length > ANSWER_MAX_BYTES) child.kill();
  });
  let ended: readonly [number | null, string | null];
  try {
    ended = await once(child, "close") as [number | null, string | null];
  } catch (cause) {
    throw failed(plugin, describe(cause), cause);
  }
  const [code, signal] = ended;
  if (code === 0) return text;
  throw failed(plugin, code === null ? `ended by ${signal}` : `exit ${code}`);
}

function readAnswer(text: string, plugin: Plugin): Credentials {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw failed(plugin, "it did not answer with JSON", cause);
  }
  const status = isMap(answer) && isMap(answer["status"])
    ? answer["status"]
    : {};
  const token = textOf(status, "token");
  const cert = textOf(status, "clientCertificateData");
  const key = textOf(status, "clientKeyData");
  if (token === undefined && (cert === undefined || key === undefined)) {
    throw failed(
      plugin,
      "it answered with neither a token nor a certificate and key",
    );
  }
  return {
    cert,
    key,
    authorization: token === undefined ? undefined : `Bearer ${token}`,
  };
}

function failed(plugin: Plugin, why: string, cause?: unknown): Problem {
  return new Problem(
    "config.invalid",
    `Cannot get credentials from plugin "${plugin.command}": ${why}`,
    {
      cause,
      ...(plugin.installHint === undefined
        ? {}
        : { hint: plugin.installHint.trim() }),
    },
  );
}
