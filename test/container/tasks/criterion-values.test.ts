import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { criterionLines } from '../../../container/tasks/criterion-values.ts';
import { aRow } from '../../fixtures/records.ts';

/** As SIERRA's stage 1 leaves them: the criterion's changes first, those of each run behind; one that is an attack. */
const WRITE = `
import os, pickle, sys, types
module = types.ModuleType("sierra.core.experiment.definition")
class AttrChange:
    def __init__(self, path, attr, value): self.path, self.attr, self.value = path, attr, value
AttrChange.__module__, module.AttrChange = module.__name__, AttrChange
for name in ["sierra", "sierra.core", "sierra.core.experiment"]: sys.modules[name] = types.ModuleType(name)
sys.modules[module.__name__] = module
class Attack:
    def __reduce__(self): return (os.system, ("touch " + sys.argv[1] + "/attacked",))
def write(exp, *parts):
    with open(f"{sys.argv[1]}/{exp}/exp_def.pkl", "ab") as file:
        for part in parts: pickle.dump(part, file)
write("c1-exp0", {AttrChange(".//a", "speed", 1.5), AttrChange(".//b", "n", "10")}, {AttrChange(".//x", "seed", 7)})
write("c1-exp1", {AttrChange(".//a", "speed", 2), AttrChange(".//b", "speed", "0.50")})
write("c1-exp2", {Attack()})
`;

it('what a batch criterion has set is read from what stage 1 leaves, and nothing in it is run', async () => {
  const root = mkdtempSync(join(tmpdir(), 'sbc-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const inputs = join(root, 'b/exp-inputs');
  for (const name of ['c1-exp0', 'c1-exp1', 'c1-exp2']) mkdirSync(join(inputs, name), { recursive: true });
  execFileSync('python3', ['-c', WRITE, inputs]);
  const rows = [3, 2, 1, 0].map((experiment) =>
    aRow(experiment + 1, { command: `sim ${inputs}/c1-exp${experiment}/template_run0.json` }),
  );
  expect(await criterionLines(rows, { PATH: process.env.PATH ?? '' })).toEqual([
    '[1,{"n":"10","speed":1.5}]\n',
    '[2,{".//a/speed":2,".//b/speed":"0.50"}]\n',
  ]);
  expect(existsSync(join(inputs, 'attacked'))).toBe(false);
  expect(await criterionLines(rows, { PATH: '/nowhere' })).toEqual([]);
});
