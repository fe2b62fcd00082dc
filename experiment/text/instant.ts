/** A record's time in milliseconds since the epoch; undefined where it has none that can be read. */
export function instant(time: string | undefined): number | undefined {
  const at = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isFinite(at) ? at : undefined;
}
