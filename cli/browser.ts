import { spawn } from "node:child_process";
import process from "node:process";

/** Opens a page in the default browser of whoever sits here, root's `sudo`er included; `failed` is told when none opens. */
export function openBrowser(url: string, failed: () => void): void {
  const [opener = "", ...args] = commandFor(url, process.platform, process.env);
  const child = spawn(opener, args, { stdio: "ignore", detached: true });
  child.on("error", failed);
  child.on("exit", (code) => {
    if (code !== 0) failed();
  });
  child.unref();
}

/** Browsers refuse to be root's, and root's default browser is nobody's. */
export function commandFor(
  url: string,
  platform: string,
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  if (platform === "darwin") return ["open", url];
  const user = environment["SUDO_USER"];
  return user === undefined
    ? ["xdg-open", url]
    : ["runuser", "-u", user, "--", "xdg-open", url];
}
