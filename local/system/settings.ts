import { relative } from 'node:path';
import { plainLine } from '../../experiment/text/terminal-codes.ts';
import type { Clock, MakeNonce } from '../../experiment/util/clock.ts';
import type { FunctionDeps } from '../../functions/deps.ts';
import type { Target } from '../aws/events/bus.ts';
import type { Published } from '../aws/notify/mail.ts';
import { realClock } from '../clock/real.ts';
import type { ImageEnvironment } from '../nodes/node-container.ts';
import type { KindOfNodes } from '../nodes/nodes.ts';
import type { FaultName } from './faults.ts';
import type { LocalSurroundings } from './live.ts';

export interface SystemSettings {
  /** `.sierra-batch`, absolute. */
  folder: string;
  clock: Clock;
  nonce: MakeNonce;
  image: ImageEnvironment;
  /** vCPUs that a manifest gets when it names none. */
  defaultVcpus: number;
  fault?: FaultName;
  /** Without it, nodes are processes of this machine on loopback addresses. */
  nodes?: KindOfNodes;
  logger: FunctionDeps['logger'];
  /** A rule for all that S3, Batch and Step Functions tell. */
  onEvent?: Target;
  /** Shows a mail that was written. @param file where it lies */
  onMail?: (mail: Published, file: string) => void;
}

/** A system whose faults and mails a person is shown, each as a line. @param from where the person is */
export function shownSettings(
  { folder, from }: { folder: string; from: string },
  { nonce, image, vcpus }: LocalSurroundings,
  say: (line: string) => void,
): SystemSettings {
  return {
    folder,
    clock: realClock,
    nonce,
    image,
    defaultVcpus: vcpus,
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: (event, fields) => say(plainLine(`${event} ${JSON.stringify(fields)}`)),
    },
    onMail: ({ subject }, file) => say(`mail     ${plainLine(subject)}  (${relative(from, file)})`),
  };
}
