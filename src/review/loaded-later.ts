/** Pages whose code comes in a file of its own. One file for all: then what they share with the rest is one file too. */
export { GridPage } from './grid/page.js';
export { QualityPage } from './quality/page.js';
