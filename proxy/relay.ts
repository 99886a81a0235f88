import type { Channel, ChannelReader } from "./channel.ts";

/** How a tunnel ended: null when both sides finished sending. */
export type RelayEnd = Error | null;

/**
 * Copies bytes both ways until both sides are done. A FIN is passed on as a FIN; a broken side breaks the other; a side
 * that does not read slows its source down and nothing else.
 */
export function relay(
  left: Channel,
  right: Channel,
  done: (end: RelayEnd) => void,
): void {
  let over = false;
  const finish = (end: RelayEnd) => {
    if (over) return;
    over = true;
    done(end);
  };
  let open = 2;
  let fins = 0;
  const side = (from: Channel, to: Channel): ChannelReader => {
    let ended = false;
    return {
      data(chunk) {
        if (!to.write(chunk)) from.pause();
      },
      end() {
        if (ended) return;
        ended = true;
        fins += 1;
        to.end();
      },
      drain() {
        to.resume();
      },
      close(error) {
        open -= 1;
        // Without both FINs something was cut off, if only by us: nobody is left to read what the other side says.
        const cut = error !== null || fins < 2;
        if (cut) to.destroy();
        if (cut || open === 0) finish(error);
      },
    };
  };
  left.attach(side(left, right));
  right.attach(side(right, left));
}
