import process from "node:process";
import { showScreen } from "../screen.ts";

// A program that fails while its screen is shown, in a way that nobody catches.
const fail = () => {
  throw new Error("nobody catches this");
};
process.stdin.on("data", (data) => {
  if (data.toString() === "t") setTimeout(fail);
  if (data.toString() === "r") void Promise.resolve().then(fail);
  if (data.toString() === "e") process.exit(7);
});
await showScreen({
  picture: () => [{ text: "about to fail", style: "plain" }],
  ended: new Promise(() => {}),
});
