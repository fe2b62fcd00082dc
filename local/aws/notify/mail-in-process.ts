import type { PublishCommandOutput } from '@aws-sdk/client-sns';
import { InvalidParameterException, PublishCommand } from '@aws-sdk/client-sns';
import type { MailPort } from '../../../aws/ports.ts';

/** What a subscriber gets. */
export interface Published {
  /** Of the message; the same when it is told again. */
  id: string;
  subject: string;
  body: string;
}

const MOST_BYTES = 256 * 1024;

/** SNS's Publish in this process, with its rules for subjects. */
export class MailInProcess implements MailPort {
  readonly #nonce: () => string;
  readonly #deliver: (mail: Published) => void;

  constructor(nonce: () => string, deliver: (mail: Published) => void) {
    this.#nonce = nonce;
    this.#deliver = deliver;
  }

  async send(command: PublishCommand): Promise<PublishCommandOutput> {
    if (!(command instanceof PublishCommand))
      throw new TypeError(`the local SNS does not know ${Object(command).constructor.name}`);
    const { TopicArn, Subject = '', Message = '', MessageAttributes = {} } = command.input;
    if (TopicArn === undefined) throw invalid('TopicArn');
    if (Subject === '' || Subject.length >= 100 || /\p{Cc}/u.test(Subject)) throw invalid('Subject');
    if (Message === '' || Buffer.byteLength(Message) > MOST_BYTES) throw invalid('Message');
    this.#deliver({ id: MessageAttributes.id?.StringValue ?? '', subject: Subject, body: Message });
    return { $metadata: { httpStatusCode: 200 }, MessageId: this.#nonce() };
  }
}

function invalid(parameter: string): InvalidParameterException {
  return new InvalidParameterException({
    message: `Invalid parameter: ${parameter}`,
    $metadata: { httpStatusCode: 400 },
  });
}
