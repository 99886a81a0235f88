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
  const side = (from: Channel, to: Channel): ChannelReader => {
    let ended = false;
    return {
      data(chunk) {
        if (!to.write(chunk)) from.pause();
      },
      end() {
        if (ended) return;
        ended = true;
        to.end();
      },
      drain() {
        to.resume();
      },
      close(error) {
        if (error === null) {
          // A clean close may stand for the FIN as well.
          this.end();
        } else {
          to.destroy();
        }
        if (--open === 0 || error !== null) finish(error);
      },
    };
  };
  left.attach(side(left, right));
  right.attach(side(right, left));
}
