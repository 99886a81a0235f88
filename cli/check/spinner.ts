import kleur from "kleur";
import type { World } from "../command.ts";

const FRAMES = ["|", "/", "-", "\\"] as const;
/** Between two frames. */
const FRAME_MS = 100;
/** What a terminal is taken to have that does not say. */
const COLUMNS = 80;
/** Back to the line's start, and erase it. */
const ERASE = "\r\x1b[K";

/** One line that lives while something is waited for; on anything but a terminal, nothing. */
export interface Spinner {
  /** Shows what is being waited for, from now on. */
  readonly show: (text: string) => void;
  readonly hide: () => void;
}

export function createSpinner(world: World): Spinner {
  const { terminal, colour, print } = world;
  if (!terminal) return { show: () => {}, hide: () => {} };
  let timer: ReturnType<typeof setInterval> | undefined;
  let shown = "";
  let frame = 0;
  const draw = () => {
    const mark = FRAMES[frame++ % FRAMES.length] ?? "";
    kleur.enabled = colour;
    // One column is left free: a full line would move the cursor to the next.
    const room = (world.columns ?? COLUMNS) - 3;
    print(`${ERASE}${kleur.bold(mark)} ${shown.slice(0, room)}`);
  };
  return {
    show: (text) => {
      [shown = ""] = text.split("\n");
      // Drawn with the next frame: what is quick does not flicker.
      timer ??= setInterval(draw, FRAME_MS);
    },
    hide: () => {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      if (frame > 0) print(ERASE);
      frame = 0;
    },
  };
}
