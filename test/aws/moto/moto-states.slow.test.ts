import { statesPort } from '../../../aws/clients/states.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';
import { CONTRACT_MACHINE, statesContract } from '../../local/aws/states/states-contract.ts';
import { startMotoInterpreter } from './moto-interpreter.ts';

const nothing = async () => undefined;

// A stop of its engine shows when the state that waits is done, and it drops causes: docs/aws-facts.md
statesContract('moto', async () => {
  const moto = await startMotoInterpreter(JSON.stringify(CONTRACT_MACHINE));
  const tokens = new Map<string, string>();
  const submit = async (payload: unknown) => {
    const { name, token } = Object(payload);
    tokens.set(name, token);
  };
  const engine = await moto.open({ submit, settle: nothing, collect: nothing }, new VirtualClock(0));
  return {
    states: statesPort(moto.states),
    stateMachineArn: engine.stateMachineArn,
    token: async (name) => {
      await engine.until(name, () => tokens.has(name));
      return tokens.get(name) ?? '';
    },
    ended: async (name) => void (await engine.until(name, ({ status }) => status !== 'RUNNING')),
    close: () => moto.close(),
  };
}, ['names and inputs that are refused', 'a stop at once', 'tokens that were used']);
