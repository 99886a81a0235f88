import { type Link } from "../stats/query/links.ts";
import { type Owner, ownerKey } from "../stats/query/owner.ts";

/** A workload and where it is drawn. */
export interface Node {
  readonly owner: Owner;
  readonly x: number;
  readonly y: number;
}

/** A link and its curve: from the right side of its source to the left side of its target. */
export interface Line {
  readonly link: Link;
  readonly from: Point;
  readonly to: Point;
  /** Where there is room for words. */
  readonly label: Point;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Graph {
  readonly nodes: readonly Node[];
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
}

export const NODE_WIDTH = 196;
export const NODE_HEIGHT = 66;
const COLUMN = NODE_WIDTH + 110;
const ROW = NODE_HEIGHT + 26;
const MARGIN = 16;
/** Of a curve's length, so that curves that cross in their middles have their words apart. */
const LABEL_AT = 0.6;

/** Puts callers left of what they call, column by column; the same links always make the same picture. */
export function layOut(links: readonly Link[]): Graph {
  const owners = new Map<string, Owner>();
  for (const { source, target } of links) {
    owners.set(ownerKey(source), source);
    owners.set(ownerKey(target), target);
  }
  const ranks = rankAll([...owners.keys()], links);
  const columns: string[][] = [];
  for (const [key, rank] of ranks) (columns[rank] ??= []).push(key);
  const rows = Math.max(0, ...columns.map((keys) => keys.length));
  const places = new Map<string, Point>();
  for (const [rank, keys] of columns.entries()) {
    // Near those who call it: the mean of their places, and by name where that is the same.
    const wishes = new Map(
      keys.map((key) => [key, wishOf(key, links, places)]),
    );
    keys.sort((a, b) =>
      (wishes.get(a) ?? 0) - (wishes.get(b) ?? 0) || (a < b ? -1 : 1)
    );
    for (const [at, key] of keys.entries()) {
      places.set(key, {
        x: MARGIN + rank * COLUMN,
        y: MARGIN + (at + (rows - keys.length) / 2) * ROW,
      });
    }
  }
  const place = (owner: Owner) =>
    places.get(ownerKey(owner)) ?? { x: MARGIN, y: MARGIN };
  return {
    nodes: [...owners.values()].map((owner) => ({ owner, ...place(owner) })),
    lines: links.map((link) =>
      lineOf(link, place(link.source), place(link.target))
    ),
    width: 2 * MARGIN + Math.max(0, columns.length - 1) * COLUMN + NODE_WIDTH,
    height: 2 * MARGIN + Math.max(0, rows - 1) * ROW + NODE_HEIGHT,
  };
}

/** How many calls away from the outermost caller each is, at most; a call back to who is already on the way is left out. */
function rankAll(
  keys: readonly string[],
  links: readonly Link[],
): ReadonlyMap<string, number> {
  const callers = new Map<string, string[]>();
  for (const { source, target } of links) {
    const own = callers.get(ownerKey(target)) ?? [];
    callers.set(ownerKey(target), own);
    own.push(ownerKey(source));
  }
  const ranks = new Map<string, number>();
  const onTheWay = new Set<string>();
  const rank = (key: string): number => {
    const known = ranks.get(key);
    if (known !== undefined) return known;
    if (onTheWay.has(key)) return -1;
    onTheWay.add(key);
    const most = Math.max(-1, ...(callers.get(key) ?? []).map(rank)) + 1;
    onTheWay.delete(key);
    ranks.set(key, most);
    return most;
  };
  return new Map([...keys].sort().map((key) => [key, rank(key)]));
}

function wishOf(
  key: string,
  links: readonly Link[],
  places: ReadonlyMap<string, Point>,
): number {
  const ys = links.filter(({ target }) => ownerKey(target) === key)
    .flatMap(({ source }) => places.get(ownerKey(source))?.y ?? []);
  return ys.reduce((sum, y) => sum + y, 0) / Math.max(1, ys.length);
}

function lineOf(link: Link, source: Point, target: Point): Line {
  const from = { x: source.x + NODE_WIDTH, y: source.y + NODE_HEIGHT / 2 };
  const to = { x: target.x, y: target.y + NODE_HEIGHT / 2 };
  if (source.x === target.x && source.y === target.y) {
    const x = source.x + NODE_WIDTH / 2;
    return { link, from, to, label: { x, y: from.y + NODE_HEIGHT } };
  }
  const t = LABEL_AT;
  const late = t * t * (3 - 2 * t); // of a curve that leaves and comes in level
  return {
    link,
    from,
    to,
    label: {
      x: Math.round(from.x + (to.x - from.x) * t),
      y: Math.round(from.y + (to.y - from.y) * late),
    },
  };
}
