import { type Category, failed, PASSED } from "../check.ts";
import type { Scene } from "../scene.ts";

/** The oldest Kubernetes that Linkerd's chart accepts. */
const VERSION_LEAST = [1, 31, 0] as const;

export const KUBERNETES_API: Category = {
  name: "kubernetes-api",
  checks: [
    {
      description: "can initialize the client",
      anchor: "k8s-api",
      severity: "fatal",
      run: async ({ open }) => {
        await open();
        return PASSED;
      },
    },
    {
      description: "can query the Kubernetes API",
      anchor: "k8s-api",
      severity: "fatal",
      run: async (scene) => {
        await versionOf(scene);
        return PASSED;
      },
    },
  ],
};

export const KUBERNETES_VERSION: Category = {
  name: "kubernetes-version",
  checks: [
    {
      description: "is running the minimum Kubernetes API version",
      anchor: "k8s-version",
      severity: "error",
      run: async (scene) => {
        const text = await versionOf(scene);
        const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text);
        if (match === null) {
          return failed(`unknown version string format [${text}]`);
        }
        const found = match.slice(1).map(Number);
        if (isAtLeast(found, VERSION_LEAST)) return PASSED;
        return failed(
          `Kubernetes is on version [${found.join(".")}], but version [${
            VERSION_LEAST.join(".")
          }] or more recent is required`,
        );
      },
    },
  ],
};

async function versionOf({ call }: Scene): Promise<string> {
  const answer = await call({ path: "/version" }) as { gitVersion?: string };
  return answer.gitVersion ?? "";
}

function isAtLeast(
  found: readonly number[],
  least: readonly number[],
): boolean {
  for (const [at, wanted] of least.entries()) {
    const part = found[at] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
