/** A record's time in milliseconds since the epoch; undefined where it has none that can be read. */
export function instant(time: string | undefined): number | undefined {
  const at = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isFinite(at) ? at : undefined;
}

/** `02:06:13`, always in UTC; what is no time is shown as it is. */
export function clock(iso: string): string {
  const at = instant(iso);
  return at === undefined ? iso : new Date(at).toISOString().slice(11, 19);
}
