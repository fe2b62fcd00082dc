import { ListJobsCommand } from '@aws-sdk/client-batch';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { BatchPort, S3Port } from '../../experiment/ports.ts';

/** A mistake made on purpose: what the control plane would do without one of its safeguards. */
export interface Mutation {
  s3?: (s3: S3Port) => S3Port;
  batch?: (batch: BatchPort) => BatchPort;
  /** Of the nodes. */
  nodeS3?: (s3: S3Port) => S3Port;
}

/** A simulation that never found a planted mistake proves nothing: these are kept, and a test wants each found. */
export const MUTANTS: Readonly<Record<string, Mutation>> = {
  /** The claim and every other compare-and-swap of the record become plain writes. */
  'no-claim': { s3: (s3) => unconditional(s3, (key) => key.startsWith('control/')) },
  /** Whoever finds another's intent submits again without looking the job up. */
  'no-look-up': {
    batch: (batch) =>
      intercept(batch, (command) =>
        command instanceof ListJobsCommand && command.input.filters !== undefined
          ? Promise.resolve({ $metadata: {}, jobSummaryList: [] })
          : undefined,
      ),
  },
  /** Every job takes the run, whoever has it. */
  'no-fence': { nodeS3: (s3) => unreadable(unconditional(s3, isOwner), isOwner) },
};

function isOwner(key: string): boolean {
  return key.endsWith('/owner.json');
}

function unconditional(s3: S3Port, concerns: (key: string) => boolean): S3Port {
  return intercept(s3, (command) => {
    if (!(command instanceof PutObjectCommand) || !concerns(command.input.Key ?? '')) return undefined;
    const { IfMatch: _match, IfNoneMatch: _none, ...input } = command.input;
    return s3.send(new PutObjectCommand(input));
  });
}

function unreadable(s3: S3Port, concerns: (key: string) => boolean): S3Port {
  return intercept(s3, (command) =>
    command.constructor.name === 'GetObjectCommand' && concerns(keyOf(command))
      ? Promise.reject(Object.assign(new Error('hidden'), { $metadata: { httpStatusCode: 404 } }))
      : undefined,
  );
}

function intercept<Port extends { send(command: never): Promise<unknown> }>(
  port: Port,
  instead: (command: object) => Promise<unknown> | undefined,
): Port {
  const send = (command: object) => instead(command) ?? Reflect.apply(port.send, port, [command]);
  return new Proxy(port, {
    get: (target, property) => (property === 'send' ? send : Reflect.get(target, property, target)),
  });
}

function keyOf(command: object): string {
  const input: unknown = Reflect.get(command, 'input');
  return typeof input === 'object' && input !== null ? String(Reflect.get(input, 'Key')) : '';
}
