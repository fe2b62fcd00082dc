import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Evidence } from '../prove/evidence.ts';
import { evidenceSchema } from '../prove/evidence.ts';
import { QUESTIONS, STRUCK } from '../prove/questions.ts';

// Writes the last part of docs/aws-facts.md, from the experiments and from what accounts answered; `--check` tells whether
// it is current.
const page = fileURLToPath(new URL('../../docs/aws-facts.md', import.meta.url));
const START = '## Untested\n';

const given = process.argv.slice(2).find((each) => !each.startsWith('--'));
const evidence = readEvidence(given ?? fileURLToPath(new URL('../../docs/evidence', import.meta.url)));
const before = readFileSync(page, 'utf8');
const text = `${before.slice(0, before.indexOf(START))}${untested(evidence)}`;
if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (before !== text) {
  console.error(
    'docs/aws-facts.md is not what scripts/prove/questions.ts and docs/evidence/ say: run `npx --no-install node scripts/docs/facts.ts`.',
  );
  process.exitCode = 1;
}

/** The newest last. @throws Error for what AWS did not say */
function readEvidence(folder: string): Evidence[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => {
    const read = evidenceSchema.parse(JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')));
    if (read.against !== 'aws') throw new Error(`${file} is against ${read.against}: that is no evidence`);
    return read;
  });
}

function untested(all: readonly Evidence[]): string {
  const rows = Object.entries(QUESTIONS).map(([name, { fact, decides, how }]) => {
    const answer = all
      .flatMap(({ trials, date, region }) =>
        trials.flatMap(({ answers }) => answers.map((each) => ({ ...each, date, region }))),
      )
      .findLast(({ question, verdict }) => question === name && /^(as assumed|otherwise)$/.test(verdict));
    const said = answer === undefined ? 'nobody yet' : `${answer.verdict}, ${answer.date} ${answer.region}`;
    return `| \`${name}\` | ${fact} | ${decides} | ${how} | ${said} |`;
  });
  const struck = Object.entries(STRUCK).map(([what, why]) => `| ${what} | ${why} |`);
  return `${START}
Written by \`npx --no-install node scripts/docs/facts.ts\` from \`scripts/prove/questions.ts\` and \`docs/evidence/\`; \`npm run check\` compares.
\`npm run prove\` asks these in an account with the system deployed, and writes such a file; \`--replay\` holds our fakes and readers against it.

| experiment | fact | decides | how it is asked | answered |
|---|---|---|---|---|
${rows.join('\n')}

Not asked, since nothing would be decided otherwise:

| what | why not |
|---|---|
${struck.join('\n')}
`;
}
