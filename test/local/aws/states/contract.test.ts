import { SFNClient } from '@aws-sdk/client-sfn';
import { statesPort } from '../../../../aws/clients/states.ts';
import { loopback } from '../../../support/loopback.ts';
import { MACHINE, makeMachine } from '../../../support/states-machine.ts';
import type { StatesProvider } from './states-contract.ts';
import { CONTRACT_MACHINE, statesContract } from './states-contract.ts';

statesContract('in this process', async () => inProcess());

statesContract('over loopback HTTP', async () => {
  const { states, ...provider } = inProcess();
  const { server, client: settings } = await loopback({ states });
  const client = new SFNClient(settings);
  return {
    ...provider,
    states: statesPort(client),
    close: async () => {
      client.destroy();
      await server.close();
      await provider.close();
    },
  };
});

function inProcess(): StatesProvider {
  const tokens = new Map<string, string>();
  const { port, clock, states, record, untilEnd } = makeMachine(CONTRACT_MACHINE, {
    submit: async (payload) => {
      const { name, token } = Object(payload);
      tokens.set(name, token);
    },
  });
  return {
    states: port,
    stateMachineArn: MACHINE,
    token: async (name) => {
      await clock.runUntil(() => tokens.has(name) || record(name).status !== 'RUNNING', 60_000);
      return tokens.get(name) ?? '';
    },
    ended: async (name) => void (await untilEnd(name)),
    close: () => states.close(),
  };
}
