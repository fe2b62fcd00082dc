import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SierraVersion } from '../../../scripts/install/sierra-venv.ts';

const project = fileURLToPath(new URL('../../../examples/sierra-project', import.meta.url));

export const VERSIONS = ['1.5.16', '1.5.8'] as const satisfies readonly SierraVersion[];

type Change = readonly [file: string, ...replacements: readonly [from: string, to: string][]];

/** How a project of 1.5.16 is written for 1.5.8: docs/sierra.md tells the same to who has the one and wants the other. */
const CHANGES: Readonly<Record<SierraVersion, readonly Change[]>> = {
  '1.5.16': [],
  '1.5.8': [
    ['projects/swarm/variables/swarm_size.py', ['legend', 'exp_names']],
    ['projects/swarm/config/main.yaml', ['output_leaf: output', 'run_metrics_leaf: output']],
    ['projects/swarm/config/graphs.yaml', ['src: ', 'src_stem: '], ['dest: ', 'dest_stem: ']],
    ['projects/swarm/config/collate.yaml', ['- file: ', 'intra-exp:\n- file: ']],
  ],
};

/** Puts the example project into the folder `to`, as that version of SIERRA reads it. */
export function copyProject(to: string, version: SierraVersion): void {
  cpSync(project, to, { recursive: true });
  for (const [file, ...replacements] of CHANGES[version]) {
    let text = readFileSync(join(to, file), 'utf8');
    for (const [from, into] of replacements) {
      if (!text.includes(from)) throw new Error(`${file} of the example has no ${JSON.stringify(from)} now`);
      text = text.replaceAll(from, into);
    }
    writeFileSync(join(to, file), text);
  }
}
