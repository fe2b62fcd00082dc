import { parseSize } from '../../text/size.ts';
import type { Fault } from '../source/fault.ts';
import type { Source } from '../source/read.ts';
import type { FaultPath, Misfit } from './schema-faults.ts';
import { commentBehind, faultAt, MAX_JUDGED } from './schema-faults.ts';

/**
 * A document under judgement: what stands in it, and what was found wrong. A value of another kind than asked for counts
 * as absent, since the schema has told of it.
 */
export class Judged {
  readonly faults: Fault[] = [];
  readonly warnings: Fault[] = [];
  readonly #source: Source;
  readonly #document: unknown;

  constructor(source: Source, document: unknown) {
    this.#source = source;
    this.#document = document;
  }

  at(path: FaultPath): unknown {
    return path.reduce<unknown>((value, step) => field(value, step), this.#document);
  }

  map(path: FaultPath): Readonly<Record<string, unknown>> | undefined {
    const value = this.at(path);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined;
  }

  number(path: FaultPath): number | undefined {
    const value = this.at(path);
    return typeof value === 'number' ? value : undefined;
  }

  size(path: FaultPath): number | undefined {
    const value = this.at(path);
    return typeof value === 'string' ? parseSize(value) : undefined;
  }

  /** A fault of the value at a path. */
  fault(path: FaultPath, code: string, message: string, allowed?: string): void {
    this.add(path, { code, message, ...(allowed === undefined ? {} : { allowed }) });
  }

  /** A fault of the last key of a path. */
  keyFault(path: FaultPath, code: string, message: string, allowed?: string): void {
    this.add(path, { code, message, ...(allowed === undefined ? {} : { allowed }) }, 'key');
  }

  /** A fault at a path; past the most that are judged, none is added. */
  add(path: FaultPath, misfit: Misfit, what: 'value' | 'key' = 'value'): void {
    if (this.faults.length < MAX_JUDGED) this.faults.push(faultAt(this.#source, path, misfit, what));
  }

  /** The YAML comment in the same line behind a value that stands without quotes. */
  commentBehind(path: FaultPath): string | undefined {
    return commentBehind(this.#source, path);
  }

  /** Past the most that are judged, none is added. */
  warn(path: FaultPath, code: string, message: string): void {
    if (this.warnings.length < MAX_JUDGED) this.warnings.push(faultAt(this.#source, path, { code, message }));
  }
}

/** A value's own property, or undefined. */
export function field(value: unknown, name: string | number): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
