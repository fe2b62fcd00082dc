// `npm run prove`: what AWS has not answered yet, asked in an account. Exit codes: 0 as assumed, 1 something is otherwise,
// unknown or left behind, 2 it cannot be asked.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandFailed } from '../../cli/errors/failure.ts';
import { realClock } from '../../local/clock/real.ts';
import type { Evidence } from './evidence.ts';
import { evidenceSchema, Recorder, withoutNames } from './evidence.ts';
import { agreed, isLocal, liveLab, untilInterrupted } from './live.ts';
import { isUnderWay, removeAll } from './made.ts';
import { announcement, chosenTrials, nodeType, prove } from './prove.ts';
import { replay } from './replay.ts';

const HELP = `npm run prove -- [OPTIONS]

Asks a deployed stack what AWS has not answered yet (docs/aws-facts.md, "Untested"): some small runs, some of whose
machines are ended on purpose. Shows first what it makes and costs, and asks. Removes all of it, whatever happens, and
writes docs/evidence/<date>-<region>.json without names, addresses and account numbers.

  --stack NAME --region NAME --profile NAME
  --yes             without asking
  --only NAME,…     some of the experiments: researcher, operator, calm, children, host, cancelled, gpu
  --output FILE     another file
  --clean           only removes what an interrupted one left
  --replay FILE     tells where this system's own AWS Batch and readers differ from such a file

What stays: the functions' records of the runs in control/, and the runs' empty folders on shared storage.`;

const say = (line: string) => console.log(line);
const { values } = parseArgs({
  options: {
    clean: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
    only: { type: 'string' },
    output: { type: 'string' },
    profile: { type: 'string' },
    region: { type: 'string' },
    replay: { type: 'string' },
    stack: { type: 'string', default: 'sierra-batch' },
    yes: { type: 'boolean' },
  },
});
try {
  process.exitCode = await main();
} catch (error) {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  console.error(`npm run prove: ${error instanceof CommandFailed ? error.message : text}`);
  process.exitCode = 2;
}

async function main(): Promise<0 | 1 | 2> {
  if (values.help === true) {
    say(HELP);
    return 0;
  }
  if (values.replay !== undefined) {
    const differences = await replay(evidenceSchema.parse(JSON.parse(readFileSync(values.replay, 'utf8'))));
    for (const difference of differences) say(difference);
    say(differences.length === 0 ? 'nothing differs' : `${differences.length} differ`);
    return differences.length === 0 ? 0 : 1;
  }
  const chosen = chosenTrials(values.only);
  const recorder = new Recorder(realClock);
  const place = { stack: values.stack, region: values.region, profile: values.profile };
  const { lab, caller } = await liveLab(place, recorder, say);
  const unhindered = { ...lab, signal: new AbortController().signal };
  if (values.clean === true) return told(await removeAll(unhindered));
  if (await isUnderWay(unhindered)) {
    say(
      'another one is under way in this stack, or was interrupted: npm run prove -- --clean removes what it made',
    );
    return 2;
  }
  for (const line of announcement(lab, chosen)) say(line);
  if (values.yes !== true && !(await agreed())) {
    say('nothing was made (--yes goes on without asking)');
    return 2;
  }
  const found = await prove(lab, recorder, untilInterrupted(say), chosen);
  const evidence: Evidence = {
    version: 1,
    against: isLocal ? 'local' : 'aws',
    date: new Date(lab.clock.now()).toISOString().slice(0, 10),
    region: lab.region,
    instanceType: nodeType(lab),
    ...found,
  };
  const names = {
    [lab.bucket.name]: 'bucket',
    [lab.stack.name]: 'stack',
    [caller.split(/[/:]/).at(-1) ?? '']: 'caller',
  };
  const file =
    values.output ?? (isLocal ? 'local-evidence.json' : `docs/evidence/${evidence.date}-${lab.region}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(withoutNames(evidence, names), undefined, 1)}\n`);
  say(
    `${file}: ${found.trials.flatMap(({ answers }) => answers).length} verdicts in ${found.minutes} minutes`,
  );
  const isSettled = found.trials.every(({ answers }) =>
    answers.every(({ verdict }) => verdict === 'as assumed' || verdict === 'not asked'),
  );
  return told(found.leftBehind) === 0 && isSettled ? 0 : 1;
}

function told(left: readonly string[]): 0 | 1 {
  for (const each of left) console.error(`left behind: ${each}`);
  say(left.length === 0 ? 'nothing is left behind' : 'npm run prove -- --clean tries again');
  return left.length === 0 ? 0 : 1;
}
