const UNITS: Readonly<Record<string, number>> = { TiB: 1024 * 1024, GiB: 1024, MiB: 1 };

/** `512MiB`, `8GiB`, `1TiB` in MiB; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,9})(MiB|GiB|TiB)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
