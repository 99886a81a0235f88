import type { Values } from "../schemas/values.ts";

/** Levels of Linkerd's values that our programs call otherwise. */
const LEVELS: Readonly<Record<string, string>> = {
  panic: "error",
  fatal: "error",
  trace: "debug",
};

/** Flags of one program of the controller image, each `--name=value`; those without a value are left out. */
export function formatArgs(
  program: string,
  flags: Readonly<Record<string, string | undefined>>,
): string[] {
  return [
    program,
    ...Object.entries(flags).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}=${value}`]
    ),
  ];
}

/** What every program is told about its log. */
export function logFlags(
  values: Values,
  level: string = values.controllerLogLevel,
): Readonly<Record<string, string>> {
  return {
    "log-level": LEVELS[level] ?? level,
    "log-format": values.controllerLogFormat,
  };
}
