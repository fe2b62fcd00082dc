import { dirname } from 'node:path';
import * as z from 'zod';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import type { ResultFields } from '../../experiment/results/result-fields.ts';
import { renderResultLine } from '../../experiment/results/result-fields.ts';
import { sierraRunOf } from '../../experiment/sierra/run-command.ts';
import { parsedJson } from '../../experiment/util/parse-json.ts';
import { commandOutput } from '../util/run-command.ts';

/**
 * What the batch criterion changes in each experiment is the first pickle of its `exp_def.pkl`, a set of SIERRA's AttrChange
 * (sierra.core.variables.batch_criteria, 1.5.8 to 1.5.16). Tasks can write there: no class is looked up, so nothing is run.
 */
const READ = `
import json, pathlib, pickle, sys
class Plain:
    def __init__(self, *_): pass
class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        return set if (module, name) == ("builtins", "set") else Plain
found = {}
for file in pathlib.Path(sys.argv[1]).glob("*/exp_def.pkl"):
    try:
        if file.stat().st_size > 1 << 20: continue
        with file.open("rb") as opened: changes = [vars(change) for change in Reader(opened).load()]
        names = [change["attr"] for change in changes]
        found[file.parent.name] = {
            attr if names.count(attr) == 1 else change["path"] + "/" + attr:
                change["value"] if isinstance(change["value"], (int, float, str)) else str(change["value"])
            for attr, change in zip(names, changes)
        }
    except Exception: continue
json.dump(found, sys.stdout, sort_keys=True)
`;
const TIMEOUT_MS = 60_000;

const values = z.record(
  z.string(),
  z.record(z.string().max(200), z.union([z.string().max(1000), z.number()])),
);

/**
 * For each run of SIERRA that has a row, what the batch criterion set in its experiment, as lines of `results.jsonl`. None
 * where that cannot be read.
 */
export async function criterionLines(
  rows: Iterable<JoblogRow>,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const runs = [...rows]
    .flatMap(({ seq, command }) => {
      const run = sierraRunOf(command);
      return run === undefined ? [] : [{ seq, ...run }];
    })
    .sort((a, b) => a.seq - b.seq);
  const [first] = runs;
  if (first === undefined) return [];
  const found = await valuesBelow(dirname(dirname(first.input)), env);
  return runs.flatMap(({ seq, experiment }) => {
    const fields = found.get(experiment);
    return fields === undefined ? [] : [renderResultLine(seq, fields)];
  });
}

async function valuesBelow(
  inputs: string,
  env: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, ResultFields>> {
  const { stdout } = await commandOutput('python3', ['-I', '-c', READ, inputs], {
    timeoutMs: TIMEOUT_MS,
    env,
  });
  const { data = {} } = values.safeParse(parsedJson(stdout));
  return new Map(Object.entries(data));
}
