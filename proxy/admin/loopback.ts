/** Whether a client is on this machine (in this pod); an unknown address is not. */
export function isLoopback(ip: string | undefined): boolean {
  return ip !== undefined &&
    (ip === "::1" || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(ip));
}
