import { parseDocument } from 'yaml';
import type { FanoutScheme } from '../experiment/plan.ts';
import type { PackedManifest } from './pack.ts';

/** Writes what was given on the command line into a manifest. */
export function withOptions(
  { bytes, format }: PackedManifest,
  { nodes, fanout }: { nodes?: number; fanout?: FanoutScheme },
): Uint8Array {
  if (nodes === undefined && fanout === undefined) return bytes;
  return edited({ bytes, format }, (document) => {
    if (nodes !== undefined) {
      document.setIn(['cluster', 'nodes'], nodes);
      const minNodes = document.get('minNodes');
      if (typeof minNodes === 'number' && minNodes > nodes) document.set('minNodes', nodes);
    }
    if (fanout !== undefined) document.setIn(['run', 'fanout'], fanout);
  }).bytes;
}

/** `--fault failing-task`: every task whose number is a multiple of 7 really fails, saying why. */
export function withFailingTask(manifest: PackedManifest): PackedManifest {
  const fail =
    'if [ $((PARALLEL_SEQ % 7)) = 0 ]; then echo "task $PARALLEL_SEQ: asked to fail" >&2; exit 3; fi; ';
  return edited(manifest, (document) => {
    const template = document.getIn(['run', 'commands', 'template']);
    if (typeof template === 'string') document.setIn(['run', 'commands', 'template'], fail + template);
    const list = document.toJS()?.run?.commands?.list;
    if (Array.isArray(list))
      document.setIn(
        ['run', 'commands', 'list'],
        list.map((command) => fail + String(command)),
      );
  });
}

function edited(
  { bytes, format }: PackedManifest,
  edit: (document: ReturnType<typeof parseDocument>) => void,
): PackedManifest {
  const document = parseDocument(new TextDecoder().decode(bytes));
  edit(document);
  const text =
    format === 'json' ? JSON.stringify(document.toJS(), undefined, 2) : document.toString({ lineWidth: 0 });
  return { bytes: Buffer.from(text), format };
}
