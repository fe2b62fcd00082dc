import { nameOf } from '../../aws/errors.ts';
import { bucketLink } from '../../experiment/layout/console-link.ts';
import { untold, withTelling, withTold } from '../../experiment/notify/delivery-lease.ts';
import { EVENT_DETAIL_TYPE, EVENT_SOURCE } from '../../experiment/notify/event-names.ts';
import { mailOf } from '../../experiment/notify/mail.ts';
import type { StateChange } from '../../experiment/notify/state-change-event.ts';
import type { Told } from '../../experiment/records/control.ts';
import { executionArn } from '../../experiment/run/execution.ts';
import { visibleText } from '../../experiment/text/visible-text.ts';
import { ServiceUnavailable } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';

/** One thing to tell: an event for programs, or a mail for people. */
export interface Message {
  /** Among all of its run. */
  key: string;
  kind: 'event' | 'mail';
  change: StateChange;
}

/** Where it is written down what was told: changed only by compare and swap. Answers what stands. */
export type Ledger = (decide: (told: Told | undefined) => Told | undefined) => Promise<Told | undefined>;

/** PutEvents takes ten entries a call. */
const AT_ONCE = 10;

/**
 * Tells what has not been told yet. Two copies never send the same message: the one that wrote its nonce first does, and
 * the other leaves it until the lease is over. So a message is sent again only when its sender was killed, or could not
 * know whether it was sent, before it could write that down; its id is the same then.
 * @param onSent called for each message that was sent
 * @returns whether all is told; false when another copy is at it
 * @throws the errors of AWS' clients, ControlConflict
 */
export async function tell(
  deps: FunctionDeps,
  ledger: Ledger,
  messages: readonly Message[],
  onSent: (message: Message) => void = () => undefined,
): Promise<boolean> {
  const keys = messages.map(({ key }) => key);
  const nonce = deps.nonce();
  const taken = await ledger((told) => withTelling(told, keys, nonce, deps.clock.now()));
  if (taken?.telling?.nonce !== nonce) return untold(taken, keys).length === 0;
  const due = new Set(untold(taken, keys));
  const wanted = messages.filter(({ key }) => due.has(key));
  const sent: string[] = [];
  const note = (message: Message) => {
    sent.push(message.key);
    onSent(message);
  };
  try {
    const events = wanted.filter(({ kind }) => kind === 'event');
    for (let from = 0; from < events.length; from += AT_ONCE)
      for (const message of await putEvents(deps, events.slice(from, from + AT_ONCE))) note(message);
    for (const message of wanted.filter(({ kind }) => kind === 'mail')) {
      await publish(deps, message.change);
      note(message);
    }
  } finally {
    await ledger((told) => withTold(told, sent, nonce));
  }
  if (sent.length < wanted.length)
    throw new ServiceUnavailable(`EventBridge took ${sent.length} of ${wanted.length} messages`);
  return true;
}

/** @returns those that EventBridge took: it may refuse some of a call */
async function putEvents(deps: FunctionDeps, messages: readonly Message[]): Promise<Message[]> {
  const { bucket, stateMachineArn } = deps.deployment;
  const { Entries = [] } = await deps.events.putEvents({
    Entries: messages.map(({ change }) => ({
      Source: EVENT_SOURCE,
      DetailType: EVENT_DETAIL_TYPE,
      Resources: [
        `arn:${stateMachineArn.split(':')[1]}:s3:::${bucket}`,
        ...(change.runId === undefined ? [] : [executionArn(stateMachineArn, change.runId)]),
      ],
      Detail: JSON.stringify(change, (_, value) => (typeof value === 'string' ? visibleText(value) : value)),
    })),
  });
  const taken = messages.filter((_, index) => Entries[index]?.ErrorCode === undefined);
  for (const { change } of taken) deps.logger.info('Told:Event', { id: change.id });
  for (const { ErrorCode, ErrorMessage } of Entries)
    if (ErrorCode !== undefined) deps.logger.warn('Told:Refused', { error: ErrorCode, said: ErrorMessage });
  return taken;
}

async function publish(deps: FunctionDeps, change: StateChange): Promise<void> {
  const { id, subject, plainSubject, body, state } = mailOf(change, (key) =>
    bucketLink(deps.deployment, key),
  );
  const publishAs = (line: string) =>
    deps.mail.publish({
      TopicArn: deps.deployment.topicArn,
      Subject: line,
      Message: body,
      // For subscribers that filter.
      MessageAttributes: {
        id: { DataType: 'String', StringValue: id },
        state: { DataType: 'String', StringValue: state },
        name: { DataType: 'String', StringValue: change.name },
      },
    });
  try {
    await publishAs(subject);
  } catch (error) {
    // AWS' own documents differ about what a subject may hold; a parameter that is refused was not published.
    if (!/^InvalidParameter/.test(nameOf(error))) throw error;
    await publishAs(plainSubject);
  }
  deps.logger.info('Told:Mail', { id });
}
