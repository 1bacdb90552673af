// To be given to Node.js as --import, also through NODE_OPTIONS to the processes that it starts: writes the address of each module
// that is loaded into the file that LOADED_MODULES names.
import { register } from 'node:module';

const hooks = `
import { appendFileSync } from 'node:fs';
export const load = (url, context, next) => {
  appendFileSync(process.env.LOADED_MODULES, url + '\\n');
  return next(url, context);
};`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
