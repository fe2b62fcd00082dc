import type { OutputIndex } from '../../experiment/records/outputs.ts';
import { SET_ASIDE } from '../../experiment/results/whole-runs.ts';

/** Pictures among a run's outputs, as far as a report takes them in. */
export interface ReportImages {
  shown: readonly { path: string; type: string; base64: string }[];
  /** How many more there are. */
  left: number;
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['svg', 'image/svg+xml'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
]);
const MOST = 24;
const LARGEST = 512 * 1024;
/** All together: the report stays a file that can be mailed. */
const BYTES = 3 * 1024 * 1024;

/** What a picture is, by the end of its name; undefined for what is none. */
export function imageType(path: string): string | undefined {
  return TYPES.get(/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '');
}

/**
 * Which pictures go into the report: SIERRA's graphs first (stage 4 draws them under `graphs/`), within a bound of size
 * and number, in the order of their paths. What a failed run of SIERRA drew is no result.
 */
export function pickImages({ files }: Pick<OutputIndex, 'files'>): { picked: string[]; left: number } {
  const images = files
    .filter(
      ({ path, size }) => imageType(path) !== undefined && size > 0 && !path.split('/').includes(SET_ASIDE),
    )
    .sort((a, b) => Number(isGraph(b.path)) - Number(isGraph(a.path)) || (a.path < b.path ? -1 : 1));
  const picked: string[] = [];
  let bytes = 0;
  for (const { path, size } of images) {
    if (picked.length === MOST || size > LARGEST || bytes + size > BYTES) continue;
    bytes += size;
    picked.push(path);
  }
  return { picked, left: images.length - picked.length };
}

function isGraph(path: string): boolean {
  return /(?:^|\/)graphs\//.test(path);
}
