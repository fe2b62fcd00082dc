import {
  MOST_COMMAND_BYTES,
  MOST_LIST_BYTES,
  MOST_STOCK_COMMAND_BYTES,
  measureCommands,
  measureTemplate,
} from './command-list.ts';
import { parseTemplate } from './command-template.ts';
import type { Fault } from './faults.ts';
import type { Source } from './manifest-source.ts';
import type { Matrix } from './matrix.ts';
import { axisOf, countCombinations, MOST_COMBINATIONS } from './matrix.ts';
import { nearestKey } from './nearest-key.ts';
import type { FaultPath } from './schema-faults.ts';
import { faultAt, MOST_JUDGED } from './schema-faults.ts';
import { readSierraArguments } from './sierra-options.ts';
import { parseSize } from './size.ts';

export interface RuleFaults {
  faults: Fault[];
  warnings: Fault[];
}

export type Origin = 'bucket' | 'file';

const MOST_TAGS = 40;
const MOST_ENVIRONMENT_BYTES = 16 * 1024;

/**
 * Rules between keys. They look at the plain document and not at the schema's result, so that they are told together with
 * the schema's faults; whatever is not of the right kind has been told there and is passed over here.
 */
export function ruleFaults(source: Source, document: unknown, origin: Origin): RuleFaults {
  const rules = new Rules(source, document);
  rules.choices();
  rules.cluster();
  rules.commands();
  rules.sierra();
  rules.files(origin);
  rules.namesAndTags();
  rules.stock();
  rules.prototype();
  return { faults: rules.faults, warnings: rules.warnings };
}

class Rules {
  readonly faults: Fault[] = [];
  readonly warnings: Fault[] = [];
  readonly #source: Source;
  readonly #document: unknown;

  constructor(source: Source, document: unknown) {
    this.#source = source;
    this.#document = document;
  }

  choices(): void {
    const run = this.#map(['run']);
    if (run !== undefined) this.#exactlyOne(['run'], run, ['commands', 'sierra']);
    const commands = this.#map(['run', 'commands']);
    if (commands === undefined) return;
    this.#exactlyOne(['run', 'commands'], commands, ['template', 'list', 'file']);
    if (commands.template !== undefined && commands.matrix === undefined)
      this.#fault(['run', 'commands', 'template'], 'missing', 'a template needs a `matrix` of values');
    if (commands.template === undefined && commands.matrix !== undefined)
      this.#fault(['run', 'commands', 'matrix'], 'conflict', 'a matrix needs a `template`');
  }

  cluster(): void {
    const nodes = this.#number(['cluster', 'nodes']);
    const minNodes = this.#number(['minNodes']);
    if (nodes !== undefined && minNodes !== undefined && minNodes > nodes)
      this.#fault(['minNodes'], 'out-of-range', `${minNodes} is more than the ${nodes} nodes of the cluster`);
    const memory = this.#size(['cluster', 'memory']);
    const shared = this.#size(['cluster', 'sharedMemory']);
    if (memory !== undefined && shared !== undefined && shared > memory)
      this.#fault(
        ['cluster', 'sharedMemory'],
        'out-of-range',
        'shared memory is part of the memory and cannot be more',
      );
    const vcpus = this.#number(['cluster', 'vcpus']);
    const threads = this.#number(['run', 'threadsPerTask']);
    const jobs = this.#number(['run', 'jobsPerNode']);
    if (vcpus !== undefined && threads !== undefined && threads > vcpus)
      this.#fault(
        ['run', 'threadsPerTask'],
        'out-of-range',
        `${threads} threads do not fit the ${vcpus} vCPUs of a node`,
      );
    if (vcpus !== undefined && jobs !== undefined && jobs * (threads ?? 1) > vcpus) {
      this.#warn(
        ['run', 'jobsPerNode'],
        'crowded',
        `${jobs} tasks at once with ${threads ?? 1} thread(s) each are more than the ${vcpus} vCPUs of a node: they will slow each other down`,
      );
    }
  }

  commands(): void {
    const commands = this.#map(['run', 'commands']);
    if (commands === undefined) return;
    const { template, list, file } = commands;
    this.#matrixValues();
    const matrix = this.#matrix();
    if (typeof template === 'string' && matrix !== undefined) this.#template(template, matrix);
    if (Array.isArray(list) && list.every((item) => typeof item === 'string'))
      this.#measure(list, (seq) => ['run', 'commands', 'list', seq - 1]);
    if (
      typeof file === 'string' &&
      !/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/.*[^/]$/.test(file) &&
      (/^\/|:\/\/|[\n\r]|\/$/.test(file) || file.split('/').includes('..'))
    ) {
      this.#fault(
        ['run', 'commands', 'file'],
        'bad-value',
        `${JSON.stringify(file)} is not allowed`,
        'a relative path without `..`, or s3://bucket/key',
      );
    }
  }

  sierra(): void {
    const args = this.#at(['run', 'sierra', 'args']);
    if (!Array.isArray(args) || !args.every((argument) => typeof argument === 'string')) return;
    const jobs = String(this.#number(['run', 'jobsPerNode']));
    for (const { index, option, value, message } of readSierraArguments(args).faults.slice(0, MOST_JUDGED))
      if (option !== '--exec-jobs-per-node' || value !== jobs)
        this.#fault(['run', 'sierra', 'args', index], 'sierra-option', message);
  }

  files(origin: Origin): void {
    const inputs = this.#at(['inputs']);
    const targets = new Map<string, number>();
    for (const [index, input] of (Array.isArray(inputs) ? inputs : []).entries()) {
      const from: unknown = field(input, 'from');
      const to: unknown = field(input, 'to');
      if (typeof from === 'string' && from.startsWith('./') && origin === 'bucket') {
        this.#fault(
          ['inputs', index, 'from'],
          'local-folder',
          `${JSON.stringify(from)} is a folder of your machine, and only the manifest came here`,
          'put the folder into a bucket and name it: s3://bucket/prefix/',
        );
      }
      if (typeof to !== 'string') continue;
      const place = `${normalised(to)}${typeof from === 'string' ? ` ${from}` : ''}`;
      const first = targets.get(place);
      if (first === undefined) targets.set(place, index);
      else this.#fault(['inputs', index], 'double', `is the same as inputs[${first}]`);
    }
    this.#doubles(['outputs'], normalised);
    this.#doubles(['notify'], (value) => value);
  }

  namesAndTags(): void {
    const environment = this.#map(['environment']) ?? {};
    let bytes = 0;
    for (const [name, value] of Object.entries(environment)) {
      bytes += Buffer.byteLength(`${name}=${String(value)}`) + 1;
      if (/^(AWS_BATCH_|SIERRA_BATCH_)/.test(name))
        this.#keyFault(
          ['environment', name],
          'reserved',
          'names beginning with AWS_BATCH_ and SIERRA_BATCH_ are reserved',
        );
    }
    if (bytes > MOST_ENVIRONMENT_BYTES)
      this.#fault(
        ['environment'],
        'too-large',
        `the variables have ${bytes} bytes in all, and 16 KiB are allowed`,
      );
    const tags = this.#map(['tags']) ?? {};
    for (const [name, value] of Object.entries(tags)) {
      if (/^(aws|sierra-batch):/i.test(name))
        this.#keyFault(['tags', name], 'reserved', 'tags beginning with aws: and sierra-batch: are reserved');
      if ([...String(value)].length > 256)
        this.#fault(['tags', name], 'too-large', 'the value of a tag has at most 256 characters');
      if (/\p{Cc}/u.test(`${name}${String(value)}`))
        this.#fault(
          ['tags', name],
          'bad-value',
          'a tag holds no line breaks, tabs or other control characters',
        );
    }
    if (Object.keys(tags).length > MOST_TAGS)
      this.#fault(
        ['tags'],
        'out-of-range',
        `${Object.keys(tags).length} tags, and at most ${MOST_TAGS} are allowed`,
      );
  }

  stock(): void {
    if (this.#at(['run', 'fanout']) !== 'stock') return;
    const retries = this.#number(['retry', 'tasks']) ?? 0;
    if (retries > 0)
      this.#warn(
        ['retry', 'tasks'],
        'stock-retries',
        'with fanout: stock GNU parallel retries, and cannot tell a lost host from a failed command',
      );
    if (this.#at(['timeouts', 'task']) !== undefined)
      this.#warn(
        ['timeouts', 'task'],
        'stock-timeout',
        'with fanout: stock GNU parallel keeps this limit, and its joblog cannot tell it from a failed command',
      );
  }

  /** The schema passes over this one name without a word. */
  prototype(): void {
    for (const path of [['environment'], ['tags'], ['run', 'commands', 'matrix']]) {
      const map = this.#map(path);
      if (map !== undefined && Object.hasOwn(map, '__proto__'))
        this.#keyFault([...path, '__proto__'], 'bad-key', 'is not a name that is allowed here');
    }
  }

  #template(template: string, matrix: Matrix): void {
    const path = ['run', 'commands', 'template'];
    const keys = Object.keys(matrix);
    const known = new Set(keys);
    const used = new Set(parseTemplate(template).flatMap((part) => ('key' in part ? [part.key] : [])));
    const unknown = [...used].filter((key) => !known.has(key)).slice(0, MOST_JUDGED);
    for (const key of unknown) {
      const suggestion = nearestKey(key, keys);
      this.#fault(
        path,
        'unknown-template-key',
        `{${key}} is not a key of the matrix`,
        `write {{${key}}} for the text {${key}}`,
        suggestion,
      );
    }
    const unused = keys.filter((key) => !used.has(key)).slice(0, MOST_JUDGED);
    for (const key of unused)
      this.#keyFault(
        ['run', 'commands', 'matrix', key],
        'unused-key',
        `{${key}} does not stand in the template`,
      );
    for (const [key, values] of Object.entries(matrix))
      if (!Array.isArray(values) && axisOf(values).count === 0)
        this.#fault(['run', 'commands', 'matrix', key], 'empty-range', 'has no value: `to` is below `from`');
    const total = countCombinations(matrix);
    if (total > MOST_COMBINATIONS)
      this.#fault(
        ['run', 'commands', 'matrix'],
        'too-many',
        `${total > 1e15 ? 'far too many' : total.toLocaleString('en')} combinations, and at most ${MOST_COMBINATIONS.toLocaleString('en')} are allowed`,
      );
    else this.#measureTemplate(template, matrix);
  }

  #measureTemplate(template: string, matrix: Matrix): void {
    const { longest, bytes, values } = measureTemplate(template, matrix);
    const { most, because } = this.#mostBytes();
    if (longest > most)
      this.#fault(
        ['run', 'commands', 'template'],
        'command-too-long',
        `the longest command has ${longest.toLocaleString('en')} bytes`,
        `at most ${most.toLocaleString('en')}${because}`,
      );
    this.#judgeListBytes(Math.max(bytes, values));
  }

  #measure(lines: Iterable<string>, place: (seq: number) => FaultPath): void {
    const { most, because } = this.#mostBytes();
    const sizes = measureCommands(lines, most);
    for (const { seq, bytes } of sizes.tooLong) {
      this.#fault(
        place(seq),
        'command-too-long',
        `command ${seq} has ${bytes.toLocaleString('en')} bytes`,
        `at most ${most.toLocaleString('en')}${because}`,
      );
    }
    this.#judgeListBytes(sizes.bytes);
  }

  #mostBytes(): { most: number; because: string } {
    return this.#at(['run', 'fanout']) === 'stock'
      ? {
          most: MOST_STOCK_COMMAND_BYTES,
          because: ' with fanout: stock, which is GNU parallel’s limit over ssh',
        }
      : { most: MOST_COMMAND_BYTES, because: '' };
  }

  #judgeListBytes(bytes: number): void {
    if (bytes > MOST_LIST_BYTES)
      this.#fault(['run', 'commands'], 'too-large', 'the commands have over 1 GiB in all');
  }

  /** What a value would do to the commands it is put into. */
  #matrixValues(): void {
    for (const [key, values] of Object.entries(this.#map(['run', 'commands', 'matrix']) ?? {})) {
      const path = ['run', 'commands', 'matrix', key];
      const named: [string | number, unknown][] = Array.isArray(values)
        ? [...values.entries()]
        : ['from', 'to', 'step'].map((name) => [name, field(values, name)]);
      for (const [step, value] of named) {
        if (typeof value === 'string' && /[\n\r]/.test(value))
          this.#fault(
            [...path, step],
            'bad-value',
            'a value with a line break would make two commands of one',
          );
        if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER)
          this.#fault(
            [...path, step],
            'out-of-range',
            'such a number is not held exactly; write it in quotes',
            'numbers up to 9,007,199,254,740,991',
          );
      }
    }
  }

  #matrix(): Matrix | undefined {
    const matrix = this.#map(['run', 'commands', 'matrix']);
    if (matrix === undefined) return undefined;
    const entries: [string, Matrix[string]][] = [];
    for (const [key, values] of Object.entries(matrix)) {
      if (Array.isArray(values)) {
        if (!values.every((value) => ['string', 'number', 'boolean'].includes(typeof value)))
          return undefined;
        entries.push([key, values]);
        continue;
      }
      const [from, to, step] = [field(values, 'from'), field(values, 'to'), field(values, 'step')];
      if (
        typeof from !== 'number' ||
        typeof to !== 'number' ||
        (step !== undefined && !(typeof step === 'number' && step > 0))
      )
        return undefined;
      entries.push([key, { from, to, step }]);
    }
    return Object.fromEntries(entries);
  }

  #exactlyOne(path: FaultPath, map: Readonly<Record<string, unknown>>, keys: readonly string[]): void {
    const given = keys.filter((key) => map[key] !== undefined);
    if (given.length === 1) return;
    const allowed = `exactly one of ${keys.join(', ')}`;
    if (given.length === 0) this.#fault(path, 'missing', 'says nothing of what is to be run', allowed);
    else
      for (const key of given.slice(1))
        this.#keyFault([...path, key], 'conflict', `stands beside \`${given[0]}\``, allowed);
  }

  #doubles(path: FaultPath, form: (value: string) => string): void {
    const values = this.#at(path);
    const seen = new Set<string>();
    for (const [index, value] of (Array.isArray(values) ? values : []).entries()) {
      if (typeof value !== 'string') continue;
      if (seen.has(form(value)))
        this.#fault([...path, index], 'double', `${JSON.stringify(value)} is given twice`);
      seen.add(form(value));
    }
  }

  #at(path: FaultPath): unknown {
    return path.reduce<unknown>((value, step) => field(value, step), this.#document);
  }

  #map(path: FaultPath): Readonly<Record<string, unknown>> | undefined {
    const value = this.#at(path);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined;
  }

  #number(path: FaultPath): number | undefined {
    const value = this.#at(path);
    return typeof value === 'number' ? value : undefined;
  }

  #size(path: FaultPath): number | undefined {
    const value = this.#at(path);
    return typeof value === 'string' ? parseSize(value) : undefined;
  }

  #fault(path: FaultPath, code: string, message: string, allowed?: string, suggestion?: string): void {
    if (this.faults.length >= MOST_JUDGED) return;
    this.faults.push(
      faultAt(this.#source, path, {
        code,
        message,
        ...(allowed === undefined ? {} : { allowed }),
        ...(suggestion === undefined ? {} : { suggestion }),
      }),
    );
  }

  #keyFault(path: FaultPath, code: string, message: string, allowed?: string): void {
    if (this.faults.length >= MOST_JUDGED) return;
    this.faults.push(
      faultAt(this.#source, path, { code, message, ...(allowed === undefined ? {} : { allowed }) }, 'key'),
    );
  }

  #warn(path: FaultPath, code: string, message: string): void {
    this.warnings.push(faultAt(this.#source, path, { code, message }));
  }
}

function field(value: unknown, name: string | number): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

/** Two spellings of one path. */
function normalised(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
