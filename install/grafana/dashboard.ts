/** A dashboard as Grafana's import reads it (its JSON model), as far as ours go. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly schemaVersion: number;
  readonly version: number;
  readonly editable: boolean;
  readonly refresh: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly links: readonly object[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly Panel[];
}

/** What the reader chooses at the top. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly type: "datasource" | "query" | "custom";
  readonly query: string;
  readonly [more: string]: unknown;
}

export interface Panel {
  readonly id: number;
  readonly type: "row" | "stat" | "timeseries";
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly PanelTarget[];
  readonly [more: string]: unknown;
}

export interface PanelTarget {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly [more: string]: unknown;
}

/** One line, or family of lines, of a graph: PromQL, and what its lines are called. */
export interface Line {
  readonly expr: string;
  readonly legend: string;
}

/** A part of a page: a heading, and graphs below it. */
export interface Section {
  readonly title: string;
  readonly graphs: readonly Graph[];
}

export interface Graph {
  readonly title: string;
  /** Grafana's names: `reqps`, `ms`, `percentunit` … */
  readonly unit: string;
  /** A figure instead of lines. */
  readonly figure?: boolean;
  readonly lines: readonly Line[];
}

export interface Page {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Without that of the data source. */
  readonly variables: readonly Variable[];
  readonly sections: readonly Section[];
}

/** Columns of Grafana's grid, and of it what a figure and a graph take. */
const COLUMNS = 24;
const FIGURE = { w: 4, h: 4 };
const GRAPH = { w: 8, h: 8 };
/** Of the JSON model; Grafana 9 and later read it, and later ones migrate it. */
const SCHEMA_VERSION = 37;

const SOURCE = { type: "prometheus", uid: "${datasource}" };

/** Lays a page out, sections below each other, graphs from left to right. */
export function layOut(page: Page): Dashboard {
  const panels: Panel[] = [];
  let y = 0;
  const add = (panel: Omit<Panel, "id">) =>
    panels.push({ id: panels.length + 1, ...panel } as Panel);
  for (const { title, graphs } of page.sections) {
    add({ type: "row", title, gridPos: { x: 0, y, w: COLUMNS, h: 1 } });
    y += 1;
    let x = 0;
    let height = 0;
    for (const graph of graphs) {
      const size = graph.figure === true ? FIGURE : GRAPH;
      if (x + size.w > COLUMNS) {
        y += height;
        x = height = 0;
      }
      add(panelOf(graph, { x, y, ...size }));
      x += size.w;
      height = Math.max(height, size.h);
    }
    y += height;
  }
  return {
    uid: `mesh-${page.uid}`,
    title: `Mesh / ${page.title}`,
    description: page.description,
    tags: ["mesh"],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    refresh: "30s",
    time: { from: "now-30m", to: "now" },
    links: [{
      type: "dashboards",
      title: "Mesh",
      tags: ["mesh"],
      asDropdown: true,
      includeVars: true,
      keepTime: true,
    }],
    templating: {
      list: [{
        name: "datasource",
        label: "Data source",
        type: "datasource",
        query: "prometheus",
      }, ...page.variables],
    },
    panels,
  };
}

function panelOf(
  { title, unit, figure = false, lines }: Graph,
  gridPos: Panel["gridPos"],
): Omit<Panel, "id"> {
  return {
    type: figure ? "stat" : "timeseries",
    title,
    datasource: SOURCE,
    gridPos,
    fieldConfig: {
      defaults: {
        unit,
        ...unit === "percentunit" ? { min: 0, max: 1 } : { min: 0 },
        ...figure ? {} : { custom: { fillOpacity: 8, showPoints: "never" } },
      },
      overrides: [],
    },
    options: figure
      ? { reduceOptions: { calcs: ["lastNotNull"], values: false } }
      : {
        legend: { displayMode: "list", placement: "bottom" },
        tooltip: { mode: "multi", sort: "desc" },
      },
    targets: lines.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource: SOURCE,
      expr,
      legendFormat: legend,
      ...figure ? { instant: true } : {},
    })),
  };
}
