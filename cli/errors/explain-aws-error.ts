/** What an error of the SDK means to whoever typed a command, and what to do; undefined for one that is not the SDK's. */
export function awsTrouble(error: Error): string | undefined {
  const { name, message } = error;
  if (message === 'Region is missing')
    return 'no region is known: name one with --region, set AWS_REGION, or give the profile one';
  if (
    /CredentialsProviderError|TokenProviderError|ExpiredToken|UnrecognizedClient|InvalidClientTokenId/.test(
      name,
    )
  )
    return `AWS does not know who you are (${message}): log in (\`aws sso login\`, \`aws configure\`), or name a --profile`;
  if (/AccessDenied|NotAuthorized/.test(name))
    return `AWS refused it (${message}): commands need the policy of the stack’s output ResearcherPolicyArn, collect and clean that of OperatorPolicyArn`;
  if (isOfNetwork(error))
    return LOOPBACK.test(message)
      ? `nothing answers on this machine (${message}): the local system, or what AWS_ENDPOINT_URL names, has stopped; \`sierra-batch runs\` shows how runs stand`
      : `AWS cannot be reached: ${message}`;
  return '$metadata' in error ? `AWS: ${name}: ${message}` : undefined;
}

const LOOPBACK = /\b127\.0\.0\.1\b|::1\b|\blocalhost\b/;

/** Whether an error says nothing of AWS, but that nobody answered: no name, no route, no connection, no time. */
export function isOfNetwork(error: Error): boolean {
  const { name, message } = error;
  return (
    name === 'TimeoutError' ||
    /\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE)\b/.test(
      `${codeOf(error)} ${message}`,
    )
  );
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}
