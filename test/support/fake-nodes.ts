import type { NodeExit, NodeSpec, RunningNode } from '../../local/aws/batch/node-start.ts';

interface FakeNode extends RunningNode {
  spec: NodeSpec;
  exit: (exit: NodeExit) => void;
  signals: string[];
}

/** Nodes that do nothing until they are told to exit; by default SIGTERM ends them with 143. */
export function fakeNodes(options: { ignoreTerm?: boolean } = {}) {
  const nodes: FakeNode[] = [];
  const startNode = async (spec: NodeSpec): Promise<RunningNode> => {
    const { promise, resolve } = Promise.withResolvers<NodeExit>();
    const signals: string[] = [];
    const node: FakeNode = {
      spec,
      address: `10.0.1.${10 + spec.index}`,
      exited: promise,
      exit: resolve,
      signals,
      terminate: () => {
        signals.push('TERM');
        if (options.ignoreTerm !== true) resolve({ exitCode: 143 });
      },
      kill: () => {
        signals.push('KILL');
        resolve({ exitCode: 137 });
      },
    };
    nodes.push(node);
    return node;
  };
  return { nodes, startNode };
}
