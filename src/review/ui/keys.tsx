import { texts } from '../texts/index.js';

const names: { [key: string]: string } = {
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ' ': texts.gridSpaceKey,
  ...texts.keyNames,
};

/** @param name `KeyboardEvent.key` */
export function Key({ name }: { name: string }) {
  return <kbd>{names[name] ?? (name.length === 1 ? name.toUpperCase() : name)}</kbd>;
}
