import { InvalidParameterException } from '@aws-sdk/client-sns';
import type { MailPort } from '../../../aws/ports.ts';

/** What a subscriber gets. */
export interface Published {
  /** Of the message; the same when it is told again. */
  id: string;
  subject: string;
  body: string;
}

const MAX_BYTES = 256 * 1024;

/** SNS's Publish in this process, with its rules for subjects. */
export function localMail(nonce: () => string, deliver: (mail: Published) => void): MailPort {
  return {
    publish: async ({ TopicArn, Subject = '', Message = '', MessageAttributes = {} }) => {
      if (TopicArn === undefined) throw invalid('TopicArn');
      if (Subject === '' || Subject.length >= 100 || /\p{Cc}/u.test(Subject)) throw invalid('Subject');
      if (Message === '' || Buffer.byteLength(Message) > MAX_BYTES) throw invalid('Message');
      deliver({ id: MessageAttributes.id?.StringValue ?? '', subject: Subject, body: Message });
      return { $metadata: { httpStatusCode: 200 }, MessageId: nonce() };
    },
  };
}

function invalid(parameter: string): InvalidParameterException {
  return new InvalidParameterException({
    message: `Invalid parameter: ${parameter}`,
    $metadata: { httpStatusCode: 400 },
  });
}
