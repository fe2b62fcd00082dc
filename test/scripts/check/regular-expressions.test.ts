import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { check } from 'recheck';
import { expect, test } from 'vitest';
import { regularExpressions } from './find-regular-expressions.ts';

const ROOMS = '{experiment,aws,report,functions,container,submission,cli,local,bin}/**/*.{ts,mjs}';

/** Slow ones whose text is never anybody else's. */
const OF_OUR_OWN: ReadonlyMap<string, string> = new Map([
  [String.raw`\B(?=(\d{3})+$)`, 'reads the digits of one number, which are 22 at most'],
]);

/** Steps are counted and random numbers have a seed, so that a busy machine gets the same answers. */
const UNTIMED = { timeout: null, attackTimeout: null, incubationTimeout: null };

type Sentence = string | undefined;

/** Why a regular expression may not stay; undefined when no text makes it read a character again and again. */
async function faultOf(source: string, flags: string): Promise<Sentence> {
  const found = await check(source, flags, UNTIMED);
  if (found.status === 'safe') return undefined;
  return found.status === 'vulnerable' ? found.complexity.summary : 'of an unknown kind';
}

async function faultsOf(all: ReturnType<typeof regularExpressions>): Promise<string[]> {
  const faults: string[] = [];
  const waiting = all.values();
  const judged = new Map<string, Promise<Sentence>>();
  const judge = async () => {
    for (const { at, source, flags } of waiting) {
      if (source === undefined || flags === undefined) {
        faults.push(`${at}: is made of what nobody can know here`);
        continue;
      }
      if (OF_OUR_OWN.has(source)) continue;
      const name = `/${source}/${flags}`;
      const one = judged.get(name) ?? faultOf(source, flags);
      judged.set(name, one);
      const fault = await one;
      if (fault !== undefined) faults.push(`${at}: ${name} is ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, judge));
  return faults.sort();
}

test('no text of others makes a regular expression of the product slow', { timeout: 300_000 }, async () => {
  const files = globSync(ROOMS).filter((file) => !file.endsWith('.generated.ts'));
  const all = files.flatMap((file) => regularExpressions(file, readFileSync(file, 'utf8')));
  expect(all.length).toBeGreaterThan(200);
  expect(await faultsOf(all)).toEqual([]);
  const sources = new Set(all.map(({ source }) => source));
  expect([...OF_OUR_OWN.keys()].filter((source) => !sources.has(source))).toEqual([]);
});

test('slow ones and unknown ones are found, however they are written', async () => {
  const text = readFileSync(new URL('slow-patterns.txt', import.meta.url), 'utf8');
  expect(await faultsOf(regularExpressions('x.ts', text))).toEqual([
    'x.ts:4: /(?:-?a{2,}){2,}b/g is exponential',
    String.raw`x.ts:5: /(?:-?[0-9a-f]{2,}){2,}\b/i is exponential`,
    'x.ts:6: /(?:\u001b?x+)+\\d/ is exponential',
    'x.ts:7: /0+$/ is 2nd degree polynomial',
    'x.ts:8: is made of what nobody can know here',
  ]);
});
