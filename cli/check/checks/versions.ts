import {
  type Category,
  failed,
  PASSED,
  SKIPPED,
  type Verdict,
} from "../check.ts";
import type { Scene, Settings } from "../scene.ts";

/** Nobody is asked over the network which version is the latest: `--expected-version` says it (docs/decisions/0087). */
export const LINKERD_VERSION: Category = {
  name: "linkerd-version",
  checks: [{
    description: "cli is up-to-date",
    anchor: "l5d-version-cli",
    severity: "warning",
    run: ({ settings }) =>
      Promise.resolve(compareExpected(settings.cliVersion, settings)),
  }],
};

export const CONTROL_PLANE_VERSION: Category = {
  name: "control-plane-version",
  checks: [
    {
      description: "can retrieve the control plane version",
      anchor: "l5d-version-control",
      severity: "fatal",
      retry: "quietly",
      run: async (scene) => {
        await versionOf(scene);
        return PASSED;
      },
    },
    {
      description: "control plane is up-to-date",
      anchor: "l5d-version-control",
      severity: "warning",
      run: async (scene) =>
        compareExpected(await versionOf(scene), scene.settings),
    },
    {
      description: "control plane and cli versions match",
      anchor: "l5d-version-control",
      severity: "warning",
      run: async (scene) => {
        const { cliVersion } = scene.settings;
        const version = await versionOf(scene);
        return version === cliVersion ? PASSED : failed(
          `control plane running ${version} but cli running ${cliVersion}`,
        );
      },
    },
  ],
};

async function versionOf({ config }: Scene): Promise<string> {
  const { version } = await config();
  if (version !== "") return version;
  throw new Error('ConfigMap "linkerd-config" holds no linkerdVersion');
}

function compareExpected(
  version: string,
  { expectedVersion }: Settings,
): Verdict {
  if (expectedVersion === undefined) return SKIPPED;
  return version === expectedVersion ? PASSED : failed(
    `is running version ${version} but the expected version is ${expectedVersion}`,
  );
}
