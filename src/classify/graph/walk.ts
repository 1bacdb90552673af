import { createError } from '../../errors/errors.js';
import { Constants } from './constants.js';
import { type Graph, type NodeName, nodeName } from './graphdef.js';
import type { Layers } from './layers.js';
import { readOp } from './ops.js';
import type { Step } from './steps.js';

/**
 * Follows the graph from the output layer back to the input layer.
 * @returns the steps in the order of computation
 * @throws network_unsupported where the path branches, has a cycle or has an op that MobileNet v1 does not have;
 *   network_layer where a layer does not exist or the path ends elsewhere; network_unreadable where a node is missing
 */
export function walk(graph: Graph, layers: Layers): Step[] {
  const input = requireLayer(graph, layers.inputLayer, 'Placeholder');
  const constants = new Constants(graph);
  const steps: Step[] = [];
  const visited = new Set<NodeName>();
  for (let name = requireLayer(graph, layers.outputLayer, 'Softmax'); name !== input; ) {
    const node = graph.get(name);
    if (!node)
      throw createError('network_unreadable', {
        problem: `it refers to a node ${name} that it does not hold`,
      });
    if (visited.has(name))
      throw createError('network_unsupported', { node: name, op: node.op, problem: 'it is its own input' });
    visited.add(name);
    if (node.op === 'Placeholder')
      throw createError('network_layer', {
        layer: layers.inputLayer,
        problem: `the picture enters at "${name}"`,
      });
    const { from, body } = readOp(node, constants);
    if (body) steps.push({ node: name, op: node.op, ...body });
    name = from;
  }
  return steps.reverse();
}

/** @param usualOp for the error: nodes with this op are candidates for the right name */
function requireLayer(graph: Graph, layer: string, usualOp: string): NodeName {
  const name = nodeName(layer.replace(/:0$/, ''));
  if (graph.has(name)) return name;
  const candidates = [...graph.values()].filter((node) => node.op === usualOp).map((node) => node.name);
  const hint = candidates.length > 0 ? `; it has ${candidates.slice(0, 5).join(', ')}` : '';
  throw createError('network_layer', { layer, problem: `there is no such node${hint}` });
}
