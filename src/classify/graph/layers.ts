export interface Layers {
  /** Names of the input and output nodes. The names of all other nodes are ignored. */
  readonly inputLayer: string;
  readonly outputLayer: string;
}

/** Those of NNCPR's networks, and of the networks that come with Plainview. */
export const defaultLayers: Layers = { inputLayer: 'input', outputLayer: 'final_result' };
