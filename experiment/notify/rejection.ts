import { rejectionKeys } from '../layout/bucket-keys.ts';
import type { ManifestSource } from '../layout/run-id.ts';
import type { Fault } from '../manifest/source/fault.ts';
import { fieldOf } from '../manifest/source/field-of.ts';
import { counted } from '../text/numbers.ts';
import { plainLine } from '../text/terminal-codes.ts';
import type { StateChange } from './state-change-event.ts';

/** A manifest that was not accepted, as it is told. @param at milliseconds since the epoch */
export function rejectedChange(source: ManifestSource, faults: readonly Fault[], at: number): StateChange {
  const { bucket, key, version } = source;
  const file = plainLine(key.split('/').at(-1) ?? key);
  const keys = rejectionKeys(key, version);
  const [first] = faults;
  const place = first === undefined || first.line === 0 ? '' : `line ${first.line}: `;
  return {
    version: 1,
    id: `${key}@${version}/rejected`,
    state: 'rejected',
    at: new Date(at).toISOString(),
    name: file,
    bucket,
    manifest: { key, version },
    headline: `${file} was not accepted: it has ${counted(faults.length, 'fault')}.`,
    why: first === undefined ? 'No fault is known.' : plainLine(`${place}${first.message.slice(0, 1000)}`),
    next: plainLine(
      `Read all of them in \`${keys.text}\`, correct the manifest and drop it again. Nothing was started.`,
    ),
    files: { faults: keys.text, faultsForPrograms: keys.json },
    faults: faults.length,
  };
}

/**
 * What a manifest that may be full of faults says under `notify`; undefined where that cannot be known.
 * @param text as it was dropped; empty where it could not be read
 */
export function notifyOf(text: string, key: string): readonly string[] | undefined {
  const notify = fieldOf(text, key, 'notify');
  if (notify === undefined) return [];
  return Array.isArray(notify) ? notify.filter((state) => typeof state === 'string') : undefined;
}
