#!/usr/bin/env node
import { runCommandLine } from './commands/main.js';

await runCommandLine(process.argv.slice(2));
