/** The input of a generated graph, [N, height, width, 3]. */
export const inputName = 'input';
/** Its outputs: see `Inference`. */
export const scoresName = 'scores';
export const featureMapsName = 'featureMaps';
