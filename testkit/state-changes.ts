import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

type Gate = (path: string) => void;

/** Called before a file of a folder is replaced or removed. What a gate throws keeps that from happening. */
const gates = new Map<string, Gate>();

const { rename, rm } = fs;
const pass = (path: unknown) => {
  for (const [folder, gate] of gates) if (String(path).startsWith(`${folder}/`)) gate(String(path));
};
fs.rename = async (from, to) => {
  pass(to);
  return rename(from, to);
};
fs.rm = async (path, options) => {
  pass(path);
  return rm(path, options);
};
syncBuiltinESMExports();

/** Calls `gate` before each durable change in a folder, until the function that it returns is called. */
export function watchState(folder: string, gate: Gate): () => void {
  gates.set(folder, gate);
  return () => {
    if (gates.get(folder) === gate) gates.delete(folder);
  };
}
