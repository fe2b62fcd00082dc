import type { Stats } from 'node:fs';
import { constants, statSync } from 'node:fs';
import { access, lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileSha256 } from '../aws/file-sha256.ts';
import type { Manifest } from '../experiment/manifest/parse.ts';
import { isBeside } from '../experiment/manifest/rules/paths.ts';
import { bytesSpoken, counted } from '../experiment/text/numbers.ts';
import { plainLine } from '../experiment/text/terminal-codes.ts';
import { FETCHED_FILE, fetchedInto } from './fetched.ts';
import type { IgnoreRules } from './ignore-rules.ts';
import { IGNORE_FILE, ignoreRules } from './ignore-rules.ts';

/** Something that the manifest names is not there, or cannot be sent. */
export class NothingToPack extends Error {
  override readonly name = 'NothingToPack';
}

/** What of a folder is sent. */
export interface Surveyed {
  /** Files, folders and links, `./` before each, a folder before what is in it; in an order of their own. */
  entries: string[];
  files: number;
  bytes: number;
  /** What is much, what is left out, and what leads out of the folder: a sentence each. */
  remarks: string[];
}

/** A folder that is looked through. */
export interface Survey {
  folder: string;
  /** As the manifest has it. */
  written: string;
  /** Where the manifest lies: ignore files count from there down. */
  beside: string;
  /** A file that is not sent: the manifest itself, whose words are no part of the program. */
  except: string;
  signal: AbortSignal;
  onLook(files: number): void;
}

/** This system's own folder: it grows while it is packed. */
const OWN_FOLDER = '.sierra-batch';
/** History is no input, unless an ignore file takes it back with `!.git`. */
const HISTORY = '.git';
const NAMED = 5;
/** What is sent in a few seconds needs no word. */
const FEW_BYTES = 50 * 1024 ** 2;
const FEW_FILES = 5000;

/**
 * Looks at all that would be packed before anything is: links go as they are, sockets and the like are left out by name.
 * @throws NothingToPack with every name that cannot be sent
 */
export async function surveyFolder(survey: Survey): Promise<Surveyed> {
  const looking = new Looking(survey);
  await looking.look(survey.folder, await rulesAbove(survey));
  return looking.found();
}

/** The same of each folder that a manifest names beside itself, before any of it is packed. @throws NothingToPack */
export async function surveyInputs(
  file: string,
  { inputs = [] }: Manifest,
): Promise<(Surveyed & { from: string })[]> {
  const beside = dirname(file);
  const { signal } = new AbortController();
  const still = { beside, except: file, signal, onLook: () => undefined };
  const folders = inputs.filter(({ from }) => isBeside(from) && isFolder(join(beside, from)));
  const look = async ({ from }: { from: string }) => {
    const folder = resolve(beside, from);
    return { from, ...(await surveyFolder({ folder, written: from, ...still })) };
  };
  return Promise.all(folders.map(look));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

interface Level {
  folder: string;
  rules: IgnoreRules;
  /** SHA-256 by path. */
  fetched: ReadonlyMap<string, string>;
}

class Looking {
  readonly #survey: Survey;
  readonly #entries: string[] = [];
  readonly #faults: string[] = [];
  readonly #special: string[] = [];
  readonly #leadOut: string[] = [];
  /** What `fetch` wrote into the manifest's own folder is no part of the program; a folder named by itself is meant. */
  readonly #leavesFetched: boolean;
  readonly #fetchedInto = new Set<string>();
  #fetched = 0;
  #files = 0;
  #bytes = 0;
  #largest = { path: '', bytes: 0 };

  constructor(survey: Survey) {
    this.#survey = survey;
    this.#leavesFetched = survey.folder === survey.beside;
  }

  async look(folder: string, above: readonly Level[]): Promise<void> {
    const levels = await withOwnRules(folder, above);
    const names = await readdir(folder).catch((error: unknown) => this.#fault(folder, error));
    for (const name of (names ?? []).toSorted()) {
      this.#survey.signal.throwIfAborted();
      const path = join(folder, name);
      const found = await lstat(path).catch((error: unknown) => this.#fault(path, error));
      if (found === undefined || this.#isLeftOut(path, name, found, levels)) continue;
      if (found.isFile() && (await this.#wasFetched(path, levels))) continue;
      await this.#take(path, found, levels);
    }
    this.#survey.onLook(this.#files);
  }

  found(): Surveyed {
    const { written, folder } = this.#survey;
    if (this.#faults.length > 0)
      throw new NothingToPack(`inputs: ${written} cannot be sent:\n  ${listed(this.#faults, '\n  ')}`);
    if (this.#entries.length === 0 && this.#fetched > 0) this.#entries.push('./');
    if (this.#entries.length === 0)
      throw new NothingToPack(`inputs: the folder ${written} is empty (${folder})`);
    const isMuch = this.#bytes > FEW_BYTES || this.#files > FEW_FILES;
    const remarks = isMuch ? [this.#sizeSpoken()] : [];
    if (this.#fetched > 0)
      remarks.push(
        `inputs: ${counted(this.#fetched, 'file')} that \`fetch\` wrote ${this.#fetched === 1 ? 'is' : 'are'} not sent; to send ${this.#fetched === 1 ? 'it' : 'them'}, delete ${listed([...this.#fetchedInto], ', ')}`,
      );
    if (this.#special.length > 0)
      remarks.push(`inputs: ${listed(this.#special, '; ')}: no file, folder or link, so it is left out`);
    if (this.#leadOut.length > 0)
      remarks.push(
        `inputs: ${listed(this.#leadOut, '; ')}: outside of what is sent, so it has to be there on the nodes`,
      );
    return { entries: this.#entries, files: this.#files, bytes: this.#bytes, remarks };
  }

  #sizeSpoken(): string {
    const { written, folder } = this.#survey;
    const what = resolve(folder) === resolve() ? 'this folder' : `the folder ${written}`;
    const { path, bytes } = this.#largest;
    const largest =
      bytes === 0 ? '' : `; the largest is ${this.#shown(path).slice(2)}, ${bytesSpoken(bytes)}`;
    return `Sends ${what}: ${bytesSpoken(this.#bytes)}, ${counted(this.#files, 'file')}${largest}. What \`${IGNORE_FILE}\` names stays.`;
  }

  async #take(path: string, found: Stats, levels: readonly Level[]): Promise<void> {
    const entry = `./${relative(this.#survey.folder, path)}`;
    if (found.isDirectory()) {
      const [before, fetched] = [this.#entries.push(entry), this.#fetched];
      await this.look(path, levels);
      if (this.#entries.length === before && this.#fetched > fetched) this.#entries.pop();
    } else if (found.isSymbolicLink()) {
      this.#entries.push(entry);
      const target = await readlink(path);
      const leadsTo = resolve(dirname(path), target);
      if (target.startsWith('/') || !`${leadsTo}${sep}`.startsWith(`${this.#survey.folder}${sep}`))
        this.#leadOut.push(`${this.#shown(path)} is a link to ${plainLine(target)}`);
    } else if (found.isFile()) {
      this.#entries.push(entry);
      this.#files += 1;
      this.#bytes += found.size;
      if (found.size > this.#largest.bytes) this.#largest = { path, bytes: found.size };
      await access(path, constants.R_OK).catch((error: unknown) => this.#fault(path, error));
    } else this.#special.push(`${this.#shown(path)} is ${kindOf(found)}`);
  }

  #isLeftOut(path: string, name: string, found: Stats, levels: readonly Level[]): boolean {
    const isFolder = found.isDirectory();
    if ((isFolder && name === OWN_FOLDER) || name === FETCHED_FILE || path === this.#survey.except)
      return true;
    for (const { folder, rules } of levels.toReversed()) {
      const ignored = rules(relative(folder, path), isFolder);
      if (ignored !== undefined) return ignored;
    }
    return name === HISTORY;
  }

  /** With the content that it had then: a file that was changed since is the person's own. */
  async #wasFetched(path: string, levels: readonly Level[]): Promise<boolean> {
    if (!this.#leavesFetched) return false;
    for (const { folder, fetched } of levels) {
      const sha256 = fetched.get(relative(folder, path));
      if (sha256 === undefined || sha256 !== (await fileSha256(path).catch(() => undefined))) continue;
      this.#fetched += 1;
      this.#fetchedInto.add(this.#shown(join(folder, FETCHED_FILE)));
      return true;
    }
    return false;
  }

  #fault(path: string, error: unknown): undefined {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // Node puts U+FFFD for bytes that are no UTF-8, and finds nothing under that name.
    const why =
      code === 'ENOENT' && path.includes('\ufffd')
        ? 'its name is not UTF-8: rename it'
        : code === 'EACCES'
          ? `it may not be read by this user: change its mode, or leave it out by ${IGNORE_FILE}`
          : error instanceof Error
            ? error.message
            : String(error);
    this.#faults.push(`${this.#shown(path)}: ${why}`);
  }

  #shown(path: string): string {
    return plainLine(`./${join(this.#survey.written, relative(this.#survey.folder, path))}`);
  }
}

/** Ignore files from the manifest's folder down to the one that holds what is packed. */
async function rulesAbove({ beside, folder }: Survey): Promise<Level[]> {
  let levels: Level[] = [];
  let at = beside;
  for (const step of relative(beside, folder).split(sep)) {
    if (step === '' || step === '..') break;
    levels = await withOwnRules(at, levels);
    at = join(at, step);
  }
  return levels;
}

async function withOwnRules(folder: string, above: readonly Level[]): Promise<Level[]> {
  const text = await readFile(join(folder, IGNORE_FILE), 'utf8').catch(() => '');
  const fetched = await fetchedInto(folder);
  // Each file is held against every level: most folders have none.
  return text === '' && fetched.size === 0
    ? [...above]
    : [...above, { folder, rules: ignoreRules(text), fetched }];
}

function kindOf(found: Stats): string {
  if (found.isSocket()) return 'a socket';
  return found.isFIFO() ? 'a named pipe' : 'a device';
}

function listed(names: readonly string[], between: string): string {
  const more = names.length - NAMED;
  return [...names.slice(0, NAMED), ...(more > 0 ? [`and ${counted(more, 'more', 'more')}`] : [])].join(
    between,
  );
}
