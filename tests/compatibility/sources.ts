const ROOT = `${import.meta.dir}/../..`;

/** Our code by path: no tests, no generated files. */
const CODE = new Map<string, string>();
for (const room of ["cli", "control", "install", "schemas"]) {
  for (const path of new Bun.Glob(`${room}/**/*.ts`).scanSync(ROOT)) {
    if (/node_modules|testing\/|\.test\.ts$|\/gen\//.test(path)) continue;
    CODE.set(path, await Bun.file(`${ROOT}/${path}`).text());
  }
}

/** Whether code in these places, each the beginning of a path, says a name. */
export function isSaid(name: string, places: readonly string[]): boolean {
  return [...CODE].some(([path, text]) =>
    places.some((place) => path.startsWith(place)) && text.includes(name)
  );
}
