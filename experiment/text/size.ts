const UNITS: Readonly<Record<string, number>> = { TiB: 1024 * 1024, GiB: 1024, MiB: 1 };

/** `512MiB`, `8GiB`, `1TiB` in MiB; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,9})(MiB|GiB|TiB)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** MiB as a manifest would write them: in the largest unit that divides them. */
export function renderSize(mebibytes: number): string {
  for (const [unit, size] of Object.entries(UNITS))
    if (mebibytes >= size && mebibytes % size === 0) return `${mebibytes / size}${unit}`;
  return `${mebibytes}MiB`;
}
