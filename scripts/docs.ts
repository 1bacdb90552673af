// `npm run docs`: writes the generated parts of the README. A test fails where they are out of step.
import { readFileSync, writeFileSync } from 'node:fs';
import { withOptions } from '../src/config/table.js';

const readme = new URL('../README.md', import.meta.url);
writeFileSync(readme, withOptions(readFileSync(readme, 'utf8')));
