// The dashboards of install/grafana: what Grafana needs to import them, and what a real Prometheus answers to each question
// that they ask, of a mesh with traffic of every kind.
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { chown, mkdir, writeFile } from "node:fs/promises";
import { APPLICATION_UID } from "../../demo/bed/layout.ts";
import type { Program } from "../../demo/bed/program.ts";
import { waitFor } from "../../demo/bed/wait.ts";
import { type Dashboard, layOut } from "../../install/grafana/dashboard.ts";
import { PAGES } from "../../install/grafana/pages.ts";
import { knownVocabulary } from "../../proxy/record/testing/vocabulary.ts";
import { PORTS as MESH_PORTS } from "../../schemas/names.ts";
import { type AllTraffic, openAllTraffic } from "../testing/all-traffic.ts";
import { type Application, serveHttp } from "../testing/application.ts";
import { ask } from "../testing/ask.ts";
import { MESH_TIMEOUT_MS } from "../testing/mesh.ts";

setDefaultTimeout(60_000);

const FOLDER = new URL("../../install/grafana/", import.meta.url);
const NAMES = Object.keys(PAGES);
const COLUMNS = 24;

async function readDashboard(name: string): Promise<Dashboard> {
  return await Bun.file(new URL(`${name}.json`, FOLDER)).json();
}
const dashboards = await Promise.all(NAMES.map(readDashboard));
/** Everything that is asked, by where it is asked. */
const QUESTIONS = dashboards.flatMap(({ title, panels }) =>
  panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ expr }) => ({
      where: `${title}: ${panel.title}`,
      expr,
    }))
  )
);

describe.each(NAMES)("%s.json", (name) => {
  test("is what its description says: `bun install/grafana/write.ts`", async () => {
    const page = PAGES[name];
    if (page === undefined) throw new Error(`no page ${name}`);
    expect(await readDashboard(name)).toEqual(layOut(page));
  });

  test("has what Grafana's import asks for", async () => {
    const dashboard = await readDashboard(name);
    expect(dashboard.uid).toMatch(/^[a-z-]{1,40}$/);
    expect(dashboard.title).not.toBe("");
    const [source] = dashboard.templating.list;
    expect(source).toMatchObject({ type: "datasource", query: "prometheus" });
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const taken = new Set<string>();
    for (const { title, gridPos, type, targets = [] } of dashboard.panels) {
      expect(title).not.toBe("");
      const { x, y, w, h } = gridPos;
      expect(x + w).toBeLessThanOrEqual(COLUMNS);
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          expect(taken.has(`${column} ${row}`)).toBe(false);
          taken.add(`${column} ${row}`);
        }
      }
      expect(targets.length > 0).toBe(type !== "row");
      const refs = targets.map(({ refId }) => refId);
      expect(new Set(refs).size).toBe(refs.length);
    }
  });
});

test("every dashboard is another", () => {
  for (const key of ["uid", "title"] as const) {
    expect(new Set(dashboards.map((one) => one[key])).size).toBe(NAMES.length);
  }
});

/** Of programs of the control plane (control/). */
const CONTROL_METRICS = [
  "grpc_server_handled_total",
  "grpc_server_open_streams",
  "grpc_server_started_total",
  "issuer_cert_ttl_seconds",
  "world_size",
];

test("dashboards ask for metrics that there are", async () => {
  const known = new Set([
    ...(await knownVocabulary()).map((line) => line.split(" ")[0] ?? ""),
    ...CONTROL_METRICS,
  ]);
  const queries = dashboards.flatMap(({ templating }) =>
    templating.list.map(({ query }) => query)
  );
  for (const text of [...QUESTIONS.map(({ expr }) => expr), ...queries]) {
    const asked = text.replaceAll(/"[^"]*"/g, "").match(/\b[a-z]\w*_\w+\b/g);
    for (const word of asked ?? []) {
      if (WORDS.has(word) || /^(dst|srv|route|authz)_/.test(word)) continue;
      expect(known).toContain(word.replace(/_bucket$/, ""));
    }
  }
});

/** What else has an underscore: functions and labels. */
const WORDS: ReadonlySet<string> = new Set([
  "histogram_quantile",
  "label_values",
  "http_status",
  "client_id",
  "endpoint_state",
  "grpc_method",
  "grpc_code",
  "backend_name",
  "parent_namespace",
  "parent_name",
  "parent_kind",
  "ratelimit_name",
  "rt_route",
  "k8s_job",
  "service_namespace",
  "route_namespace",
  "rate_interval",
]);

describe("a real Prometheus", () => {
  let all: AllTraffic;
  let prometheus: Program;
  let app: Application;
  let isDriving = true;
  let driving: Promise<void>;

  beforeAll(async () => {
    all = await openAllTraffic("grafana");
    const { mesh: { bed, controlPlane }, caller, server, outsider } = all;
    app = serveHttp(caller, APP_PORT);
    const { identity, destination } = controlPlane;
    const home = `${bed.layout.home}/prometheus`;
    await mkdir(home);
    await chown(home, APPLICATION_UID, APPLICATION_UID);
    await writeFile(
      `${home}/prometheus.yml`,
      JSON.stringify({
        global: { scrape_interval: "1s", scrape_timeout: "1s" },
        scrape_configs: [
          {
            job_name: "linkerd-proxy",
            static_configs: [caller, server, identity.pod, destination.pod]
              .map(({ ip, name, namespace, serviceAccount }) => ({
                targets: [`${ip}:${MESH_PORTS.admin}`],
                labels: {
                  namespace,
                  pod: name,
                  deployment: name,
                  serviceaccount: serviceAccount,
                },
              })),
          },
          {
            job_name: "linkerd-controller",
            static_configs: [
              { targets: [`${identity.pod.ip}:9990`], component: "identity" },
              {
                targets: [`${destination.pod.ip}:9996`],
                component: "destination",
              },
            ].map(({ targets, component }) => ({
              targets,
              labels: { component },
            })),
          },
        ],
      }),
    );
    prometheus = outsider.run([
      ...["prometheus", `--config.file=${home}/prometheus.yml`],
      ...[`--storage.tsdb.path=${home}/data`],
      "--web.listen-address=0.0.0.0:9090",
    ]);
    await prometheus.line("Server is ready to receive web requests");
    driving = drive();
  }, 2 * MESH_TIMEOUT_MS);

  afterAll(async () => {
    isDriving = false;
    await driving;
    await prometheus.stop();
    app.close();
    await all.close();
  }, MESH_TIMEOUT_MS);

  const APP_PORT = 8090;
  async function drive(): Promise<void> {
    await all.drive();
    const place = { name: "caller", clusterIp: all.caller.ip };
    while (isDriving) {
      await ask(all.outsider, place, APP_PORT);
      await all.drive(true);
    }
  }

  /** What a reader would have chosen at the top. */
  const CHOSEN: Readonly<Record<string, string>> = {
    namespace: "default",
    kind: "deployment",
    workload: "caller",
    pod: "caller",
    service_namespace: "default",
    service: "routed",
    route_namespace: "default",
    parent: "routed",
    __rate_interval: "20s",
  };
  /** Of what nothing happens in this mesh, or in none that is well. */
  const QUIET = [
    "Above a rate limit",
    "Calls that ended badly per second",
    "Calls that failed, share",
    "Failures in proxies per second",
    "Label sets without room per second",
    "Proxies without a connection",
    "Requests without a status",
  ];

  interface Answer {
    readonly status: string;
    readonly error?: string;
    readonly data?: {
      readonly result: readonly {
        readonly value: readonly [number, string];
      }[];
    };
  }

  async function query(expr: string): Promise<Answer> {
    const text = expr.replaceAll(
      /\$(\w+)/g,
      (_, name: string) => CHOSEN[name] ?? `no variable ${name}`,
    );
    const response = await all.mesh.bed.fetch(
      `http://${all.outsider.ip}:9090/api/v1/query?query=${
        encodeURIComponent(text)
      }`,
    );
    return await response.json() as Answer;
  }

  test("understands every question", async () => {
    const errors: string[] = [];
    for (const { where, expr } of QUESTIONS) {
      const { status, error = "" } = await query(expr);
      if (status !== "success") errors.push(`${where}: ${error} in ${expr}`);
    }
    expect(errors).toEqual([]);
  });

  test("has an answer to every question about what happens", async () => {
    const wanted = QUESTIONS.filter(({ where }) =>
      !QUIET.some((title) => where.endsWith(`: ${title}`))
    );
    expect(wanted.length).toBeGreaterThan(70);
    let silent = wanted;
    await waitFor(async () => {
      const still: typeof wanted = [];
      for (const question of silent) {
        const { data } = await query(question.expr);
        const isSaid = data?.result.some(({ value }) =>
          Number.isFinite(Number(value[1]))
        ) ?? false;
        if (!isSaid) still.push(question);
      }
      silent = still;
      return silent.length === 0 || null;
    }, {
      what: () =>
        `answers to ${
          silent.map(({ where, expr }) => `${where} (${expr})`).join("\n")
        }`,
      timeoutMs: 90_000,
    });
  }, 120_000);

  test("finds values of every variable", async () => {
    for (const { templating } of dashboards) {
      for (const { type, query: asked } of templating.list) {
        if (type !== "query") continue;
        const [, series = "", label = ""] =
          /^label_values\((.*), (\$?\w+)\)$/.exec(asked) ?? [];
        const { data } = await query(`count(${series}) by (${label})`);
        expect([asked, data?.result.length ?? 0]).not.toEqual([asked, 0]);
      }
    }
  });
});
