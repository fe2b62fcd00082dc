import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { statesPort } from '../../../aws/clients/states.ts';
import type { LocalFunction } from '../../../local/aws/states/task.ts';
import type { VirtualClock } from '../../../local/clock/virtual.ts';
import type { OpenInterpreter, StateFunctions } from './interpreter.ts';
import { withNames } from './interpreter.ts';
import { startMoto } from './moto.ts';

const WITHIN_MS = 60_000;
const STEP_MS = 10;
/** So little that what it adds to a wait in the time of the test is lost in rounding. */
const STEP_OF_TEST_MS = 1;

/** What the engine reaches: one run's functions and its time. */
interface Behind {
  functions: StateFunctions;
  clock: VirtualClock;
}

/**
 * moto's Step Functions engine with one state machine. It calls functions of this process over loopback, where it takes
 * them for Lambda's, and the time between its retries is the test's. One run at a time.
 */
export async function startMotoInterpreter(
  definition: string,
): Promise<{ open: OpenInterpreter; states: SFNClient; close(): Promise<void> }> {
  let behind: Behind | undefined;
  const server = createServer((request, response) => {
    answer(behind, request, response).catch((error: unknown) => response.destroy(asError(error)));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const moto = await startMoto(port);
  const states = new SFNClient({
    endpoint: moto.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'k', secretAccessKey: 's' },
  });
  const configured = await fetch(`${moto.url}/moto-api/config`, {
    method: 'POST',
    body: JSON.stringify({ stepfunctions: { execute_state_machine: true } }),
  });
  if (!configured.ok) throw new Error(`moto takes no configuration: ${await configured.text()}`);
  const { stateMachineArn = '' } = await states.send(
    new CreateStateMachineCommand({
      name: 'sierra-batch',
      definition: withNames(definition),
      roleArn: 'arn:aws:iam::123456789012:role/states',
    }),
  );
  const look = async (name: string) => {
    const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
    const {
      status = '',
      error = '',
      cause = '',
    } = await states.send(new DescribeExecutionCommand({ executionArn }));
    const { events = [] } = await states.send(
      new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }),
    );
    return {
      status,
      error,
      cause,
      entered: events.flatMap(({ stateEnteredEventDetails: state }) =>
        state?.name === undefined ? [] : [state.name],
      ),
    };
  };
  return {
    states,
    open: async (functions, clock) => {
      behind = { functions, clock };
      return {
        stateMachineArn,
        states: statesPort(states),
        until: async (name, done) => {
          for (const until = Date.now() + WITHIN_MS; ; await step(clock)) {
            const execution = await look(name);
            if (done(execution)) return execution;
            if (Date.now() > until) throw new Error(`it does not come to it: ${JSON.stringify(execution)}`);
          }
        },
        during: async (call) => {
          let isOver = false;
          const over = call.finally(() => {
            isOver = true;
          });
          over.catch(() => undefined); // Whoever waits for the call is told.
          for (const until = Date.now() + WITHIN_MS; !isOver && Date.now() < until; ) await step(clock);
          if (!isOver) throw new Error('the call is never over');
          await over;
        },
        // The engine looks whether it was stopped when a state is done, and this one waits.
        abort: async (executionArn, token) => {
          await states.send(new StopExecutionCommand({ executionArn }));
          await states.send(new SendTaskSuccessCommand({ taskToken: token, output: '{}' }));
        },
        failToken: async (taskToken, error) => {
          await states.send(new SendTaskFailureCommand({ taskToken, error }));
        },
        // The engine waits for this itself, in the world's time.
        timeOut: (seconds) => clock.advance(1000 * seconds),
      };
    },
    close: async () => {
      states.destroy();
      await moto.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A little of the world's time, and less of the test's: a handler may wait for another's write. */
async function step(clock: VirtualClock): Promise<void> {
  await delay(STEP_MS);
  await clock.advance(STEP_OF_TEST_MS);
}

async function answer(behind: Behind | undefined, request: IncomingMessage, response: ServerResponse) {
  const path = request.url ?? '';
  const seconds = /^\/wait\/([\d.]+)$/.exec(path)?.[1];
  const name = /^\/2015-03-31\/functions\/(\w+)\/invocations$/.exec(path)?.[1];
  let body = '';
  for await (const chunk of request) body += String(chunk);
  if (seconds !== undefined) {
    await behind?.clock.advance(1000 * Number(seconds));
    response.end();
    return;
  }
  const target = Object.entries(behind?.functions ?? {}).find(([known]) => known === name)?.[1];
  if (target === undefined) response.writeHead(404).end();
  else await invoke(target, body, response);
}

/** The answers of Lambda's Invoke: the result, what the function threw, or that no room is for another. */
async function invoke(target: LocalFunction, body: string, response: ServerResponse): Promise<void> {
  try {
    const result = (await target(JSON.parse(body))) ?? null;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
  } catch (reason) {
    const { name, message } = asError(reason);
    if (name === 'Lambda.TooManyRequestsException')
      response
        .writeHead(429, { 'x-amzn-errortype': 'TooManyRequestsException', 'x-amzn-requestid': 'r' })
        .end(JSON.stringify({ Type: 'User', message: 'Rate Exceeded.' }));
    else
      response
        .writeHead(200, { 'x-amz-function-error': 'Unhandled' })
        .end(JSON.stringify({ errorType: name, errorMessage: message, trace: [] }));
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
