import { Argument, Command, Option } from 'commander';
import { callerName, type Role, roles } from '../access/caller.js';
import { createToken } from '../access/tokens.js';
import { createError } from '../errors/errors.js';

export const tokenCommand = () =>
  new Command('token')
    .description("make a token for the API: shown once; the service's file holds only its hash")
    .addArgument(new Argument('<name>', 'whose it is: stands in the audit log'))
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).default('viewer'))
    .action((name: string, { role }: { role: Role }) => {
      if (!callerName.regex(/^\S+$/).safeParse(name).success)
        throw createError('usage', { problem: 'a name has letters, digits, ., _, @ and -' });
      const { token, line } = createToken(name, role);
      console.error('The token, to be kept by whoever uses it:');
      console.log(token);
      console.error(`The line to add to the file that PLAINVIEW_TOKENS_FILE names:\n${line}`);
    });
