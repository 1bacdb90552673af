/** The class of networks that know what none of the categories looks like. */
export const otherClass = 'other';
