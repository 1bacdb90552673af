import { Argument, Command, Option } from 'commander';
import { callerName, type Role, roles } from '../access/caller.js';
import { createToken } from '../access/tokens.js';
import { createError } from '../errors/errors.js';

export const tokenCommand = () =>
  new Command('token')
    .description(
      'create a token for the API; it is shown only once, because the service stores only its hash',
    )
    .addArgument(new Argument('<name>', "name of the token's user, as the audit log shows it"))
    .addOption(new Option('--role <role>', 'what the token permits').choices(roles).default('viewer'))
    .action((name: string, { role }: { role: Role }) => {
      if (!callerName.regex(/^\S+$/).safeParse(name).success)
        throw createError('usage', { problem: 'a name has only letters, digits, ., _, @ and -' });
      const { token, line } = createToken(name, role);
      console.error('The token, which is shown only once:');
      console.log(token);
      console.error(`Add this line to the file that PLAINVIEW_TOKENS_FILE names:\n${line}`);
    });
