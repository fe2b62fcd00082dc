import { readdirSync, readFileSync } from 'node:fs';
import type { ManifestFormat } from '../../../experiment/manifest/parse.ts';
import type { Fault } from '../../../experiment/manifest/source/fault.ts';
import { faultSentence } from '../../../experiment/manifest/source/fault.ts';

/**
 * The corpus is text: `corpus/{malformed,valid}/<topic>.txt`, each a row of cases. A case is a line `=== name.yaml` (or
 * `.json`), the manifest exactly as it stands, a line `---->`, and one expectation a line.
 */
export interface CorpusCase {
  topic: string;
  name: string;
  format: ManifestFormat;
  text: string;
  expected: string[];
}

export function corpusCases(kind: 'malformed' | 'valid'): CorpusCase[] {
  const folder = new URL(`./corpus/${kind}/`, import.meta.url);
  return readdirSync(folder).flatMap((file) =>
    casesOf(readFileSync(new URL(file, folder), 'utf8'), file.replace(/\.txt$/, '')),
  );
}

function casesOf(text: string, topic: string): CorpusCase[] {
  return text
    .split(/^=== /m)
    .slice(1)
    .map((block) => {
      const [head = '', ...rest] = block.split('\n');
      const at = rest.indexOf('---->');
      if (at === -1) throw new Error(`${topic}: ${head} expects nothing`);
      return {
        topic,
        name: head,
        format: head.endsWith('.json') ? 'json' : 'yaml',
        text: `${rest.slice(0, at).join('\n')}\n`,
        expected: rest.slice(at + 1).filter((line) => line !== ''),
      };
    });
}

/** A fault in one line, with all that a reader gets: place, code, the offending text, what is allowed, what was meant. */
export function faultLine(fault: Fault): string {
  return `${fault.line}:${fault.column} ${fault.code} «${fault.text}» ${faultSentence(fault)}`;
}
