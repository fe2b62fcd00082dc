/** How numbers are said to people, the same in the terminal, the report and the inbox. */

/** `1,800` */
export function grouped(number: number): string {
  return Math.round(number)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 task`, `1,800 tasks`; a plural that is not `+s` is given. */
export function counted(number: number, noun: string, plural = `${noun}s`): string {
  return `${grouped(number)} ${number === 1 ? noun : plural}`;
}

/** `40 ms`, `1.2 s`, `48 s`, `14 min`, `1 h 30 min`, `2 d 4 h`: two units at most, never `60 s`. */
export function spoken(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return 'an unknown time';
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  if (seconds < 599.5) return pair(Math.round(seconds), 60, 'min', 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return pair(minutes, 60, 'h', 'min');
  return pair(Math.round(minutes / 60), 24, 'd', 'h');
}

/** `300 MiB`, `1.2 GiB`; under one KiB in bytes. */
export function bytesSpoken(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const amount = bytes / 1024 ** unit;
  return `${amount < 10 && unit > 0 ? Number(amount.toFixed(1)) : grouped(amount)} ${units[unit]}`;
}

/** `0.9 node-hours`; small ones keep two significant digits. */
export function nodeHoursSpoken(hours: number): string {
  const text = hours >= 10 || hours === 0 ? grouped(hours) : String(Number(hours.toPrecision(2)));
  return `${text} ${text === '1' ? 'node-hour' : 'node-hours'}`;
}

/** The same for what must not be over it: rounded up, to three significant digits. */
export function mostNodeHoursSpoken(hours: number): string {
  if (hours === 0) return nodeHoursSpoken(0);
  const step = 10 ** (Math.floor(Math.log10(hours)) - 2);
  // What floating point adds to a number that is short already is no reason to round it up.
  const up = Math.ceil(Number((hours / step).toPrecision(12))) * step;
  const text = up >= 1000 ? grouped(Math.ceil(up)) : String(Number(up.toPrecision(3)));
  return `${text} ${text === '1' ? 'node-hour' : 'node-hours'}`;
}

/** `0.02 USD`, `3.40 USD`, `1,234 USD`; what is under a cent is called so. */
export function dollars(usd: number): string {
  if (usd > 0 && usd < 0.01) return 'under 0.01 USD';
  const [whole = '', cents = ''] = usd.toFixed(2).split('.');
  return usd >= 1000 ? `${grouped(usd)} USD` : `${whole}.${cents} USD`;
}

/** `62 %`, from a share of 1. Only what is whole is called 0 % or 100 %. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return 'under 1 %';
  if (share < 1 && share > 0.99) return 'over 99 %';
  return `${Math.round(share * 100)} %`;
}

/** `node 3`, `nodes 1, 2 and 3`, `nodes 1, 2, 3, 4 and 6 others`. */
export function nodesNamed(indices: readonly number[]): string {
  if (indices.length === 1) return `node ${indices[0]}`;
  const shown = indices.length > 5 ? indices.slice(0, 4).map(String) : indices.slice(0, -1).map(String);
  const last = indices.length > 5 ? `${indices.length - 4} others` : String(indices.at(-1));
  return `nodes ${shown.join(', ')} and ${last}`;
}

function pair(total: number, size: number, big: string, small: string): string {
  const rest = total % size;
  return rest === 0
    ? `${Math.floor(total / size)} ${big}`
    : `${Math.floor(total / size)} ${big} ${rest} ${small}`;
}
