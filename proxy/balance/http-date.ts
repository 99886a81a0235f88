/** Days and months are taken for what they say; the weekday is not looked at. */
const FORMS: readonly RegExp[] = [
  // IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
  /^\w{3}, (?<day>\d\d) (?<month>\w{3}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
  /^\w{6,9}, (?<day>\d\d)-(?<month>\w{3})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  // asctime: Sun Nov  6 08:49:37 1994
  /^\w{3} (?<month>\w{3}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
];

/** Unix milliseconds of a date in any of the three forms of HTTP (RFC 9110 5.6.7); null when it is none. */
export function parseHttpDate(text: string, nowUnixMs: number): number | null {
  for (const form of FORMS) {
    const groups = form.exec(text)?.groups;
    if (groups === undefined) continue;
    const { day = "", month = "", year = "", time = "" } = groups;
    const whole = year.length === 2 ? centuryOf(year, nowUnixMs) : year;
    const ms = Date.parse(`${day.trim()} ${month} ${whole} ${time} GMT`);
    return Number.isNaN(ms) ? null : ms;
  }
  return null;
}

/** Two digits are a year at most 50 years from now (RFC 9110 5.6.7). */
function centuryOf(year: string, nowUnixMs: number): number {
  const now = new Date(nowUnixMs).getUTCFullYear();
  const found = now - now % 100 + Number(year);
  return found > now + 50 ? found - 100 : found;
}
