import type { ObjectEvent } from "../source.ts";
import { keysOfPolicies } from "./dependents.ts";
import { type Batch, foldObject } from "./fold-object.ts";
import type { Settings } from "./settings.ts";
import { createState, sizesOf, type State } from "./state.ts";
import { createWarnings } from "./warnings.ts";

/** What a batch of events did. */
export interface Folded {
  /** Keys (keys.ts) whose answers may have changed. */
  readonly keys: ReadonlySet<string>;
  /** Sentences for the log about objects that contradict each other. */
  readonly warnings: readonly string[];
}

export interface Index extends State {
  readonly apply: (events: readonly ObjectEvent[]) => Folded;
  /** How many objects of each kind are known. */
  readonly sizes: () => Readonly<Record<string, number>>;
}

/** Creates an empty index; folding an event costs as much as what depends on its object, not as the whole. */
export function createIndex(
  settings: Settings,
  { hasStatuses = true }: {
    /** Whether statuses say what of a route is not in force; if not, warnings do. */
    readonly hasStatuses?: boolean;
  } = {},
): Index {
  const state = createState(settings);
  const warnings = createWarnings(state, hasStatuses);
  return {
    ...state,
    apply: (events) => {
      const keys = new Set<string>();
      const batch: Batch = { ruled: new Set(), reselected: new Set() };
      for (const { kind, object } of events) {
        for (const key of foldObject(object, kind === "delete", state, batch)) {
          keys.add(key);
        }
      }
      for (const id of batch.ruled) {
        const server = state.servers.byId.get(id);
        if (server === undefined) continue;
        for (const key of keysOfPolicies(server, state)) keys.add(key);
      }
      return { keys, warnings: warnings.about(events, batch.reselected) };
    },
    sizes: () => sizesOf(state),
  };
}
