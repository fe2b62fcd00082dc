import type { Judged } from './rule-context.ts';
import type { FaultPath } from './schema-faults.ts';

/** What GNU parallel alone cannot tell apart is told beforehand. */
export function judgeStock(judged: Judged): void {
  if (judged.at(['run', 'fanout']) !== 'stock') return;
  const retries = judged.number(['retry', 'tasks']) ?? 0;
  if (retries > 0)
    judged.warn(
      ['retry', 'tasks'],
      'stock-retries',
      'with fanout: stock GNU parallel retries, and cannot distinguish a lost host from a failed command',
    );
  if (judged.at(['limits', 'taskOutput']) !== undefined)
    judged.warn(
      ['limits', 'taskOutput'],
      'stock-output',
      'with fanout: stock nothing watches what tasks write: put `| head -c 1G` behind what may write without end',
    );
  for (const name of ['task', 'grace'])
    if (judged.at(['timeouts', name]) !== undefined)
      judged.fault(
        ['timeouts', name],
        'stock-timeout',
        'with fanout: stock GNU parallel would end its ssh connection and let the task run on',
        'leave it out, or use fanout: pool; or put `timeout 10m` before the command',
      );
  const environment = judged.map(['environment']) ?? {};
  for (const path of commandsIn(judged)) {
    const command = judged.at(path);
    for (const [, name = ''] of typeof command === 'string' ? command.matchAll(SLOTS_OWN) : [])
      if (!(name in environment))
        judged.fault(
          path,
          'stock-variable',
          `$${name} is not set with fanout: stock`,
          'fanout: pool, which gives each slot its own; stock has PARALLEL_SEQ for the number of the task',
        );
  }
}

/** What the pool makes for each slot, where the command does not say what to do without it. */
const SLOTS_OWN =
  /\$(?:\{(?=\w+\}))?(SIERRA_BATCH_(?:TASK|SLOT|TRY)|TMPDIR|CUDA_VISIBLE_DEVICES|ROCR_VISIBLE_DEVICES)\b/g;

function commandsIn(judged: Judged): FaultPath[] {
  const list = judged.at(['run', 'commands', 'list']);
  return [
    ['run', 'commands', 'template'],
    ...(Array.isArray(list) ? list.map((_, at): FaultPath => ['run', 'commands', 'list', at]) : []),
  ];
}
