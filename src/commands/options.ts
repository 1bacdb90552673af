import { Command } from 'commander';
import { optionsTable } from '../config/readme-table.js';

export const optionsCommand = () =>
  new Command('options')
    .description('list every option of the service with its default')
    .action(() => console.log(optionsTable()));
