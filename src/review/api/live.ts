import { signal } from '@preact/signals';
import { ApiError, ask, request, signInWanted } from './client.js';
import { type DecidedEvent, decidedEvent, type Status, status as statusShape } from './schema.js';

/** How the page learns what happens: by the service's events, by asking now and then, or not at all just now. */
export const link = signal<'events' | 'asking' | 'lost'>('asking');
/** Grows whenever something may have been decided that nobody told in detail: time to look again. */
export const ticks = signal(0);
export const status = signal<Status | undefined>(undefined);

type Listener = (event: DecidedEvent) => void;
const listeners = new Set<Listener>();

/** @returns what ends it */
export function onDecided(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const askEvery = 5000;
/** A service that is silent for longer than this is gone: its heartbeats come more often. */
const silence = 60_000;

/** Follows the service for as long as the page is open. */
export async function follow(): Promise<void> {
  for (let streams = true; ; ) {
    if (!signInWanted.value && !document.hidden) {
      await lookAtStatus();
      if (streams && link.value !== 'lost') streams = await listen().catch(mayStreamLater);
      if (link.value === 'events') link.value = 'asking';
      ticks.value++;
    }
    await new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        document.removeEventListener('visibilitychange', wake);
        resolve(undefined);
      };
      const timer = setTimeout(wake, askEvery);
      document.addEventListener('visibilitychange', wake);
    });
  }
}

async function lookAtStatus(): Promise<void> {
  try {
    status.value = await ask('status', statusShape);
    if (link.value === 'lost') link.value = 'asking';
  } catch (error) {
    // Orthanc's plugin says it where the service does not answer.
    if (error instanceof ApiError && (error.status === 0 || error.code === 'service_away'))
      link.value = 'lost';
  }
}

/** Orthanc's plugin does not pass events on: it would take one of Orthanc's threads for each open page. */
const mayStreamLater = (error: unknown): boolean => !(error instanceof ApiError && error.status === 501);

/** Returns when the stream ends. */
async function listen(): Promise<true> {
  const giveUp = new AbortController();
  let timer = setTimeout(() => giveUp.abort(), silence);
  // Browsers open some six connections to one address: pages that nobody looks at leave theirs to the others.
  const hidden = () => document.hidden && giveUp.abort();
  document.addEventListener('visibilitychange', hidden);
  try {
    const answer = await request('events', { signal: giveUp.signal, cache: 'no-store' });
    if (answer.body === null || !answer.headers.get('content-type')?.startsWith('text/event-stream'))
      return true;
    link.value = 'events';
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ; ) {
      const { value, done } = await reader.read();
      if (done) return true;
      clearTimeout(timer);
      timer = setTimeout(() => giveUp.abort(), silence);
      const blocks = (rest + value.replaceAll('\r', '')).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) take(block);
    }
  } finally {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', hidden);
    giveUp.abort();
  }
}

/** One event in the form of the HTML standard's server-sent events. */
function take(block: string): void {
  const fields = block.split('\n').map((line): [string, string] => {
    const at = line.indexOf(':');
    return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1).replace(/^ /, '')];
  });
  const name = fields.find(([field]) => field === 'event')?.[1] ?? 'message';
  const data = fields.flatMap(([field, value]) => (field === 'data' ? [value] : [])).join('\n');
  if (name === 'decided') {
    const event = decidedEvent.safeParse(parseJson(data));
    if (event.success) for (const listener of listeners) listener(event.data);
  } else if (name === 'status') {
    const told = statusShape.safeParse(parseJson(data));
    if (told.success) status.value = told.data;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the same as an event that we do not know
  }
}
