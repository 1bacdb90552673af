import { signal } from '@preact/signals';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ApiError, callApi, sendRequest, signInNeeded } from './client.js';
import { type DecidedEvent, decidedEvent, type Status, status as statusShape } from './schema.js';

/** How the page learns of changes: by the service's events, by polling, or not at all while the service is away. */
export const connection = signal<'events' | 'polling' | 'lost'>('polling');
/** Grows whenever something may have been decided without an event: time to look for changes. */
export const ticks = signal(0);
export const status = signal<Status | undefined>(undefined);

type Listener = (event: DecidedEvent) => void;
const listeners = new Set<Listener>();

/** @returns a function that removes the listener */
export function onDecided(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const pollEveryMs = 5000;
/** The service sends heartbeats more often than this: a stream that is silent for longer is dead. */
const silenceMs = 60_000;

/** @returns a function that stops it */
export function startLive(): () => void {
  const stopped = new AbortController();
  void follow(stopped.signal);
  return () => stopped.abort();
}

async function follow(stopped: AbortSignal): Promise<void> {
  for (;;) {
    if (!signInNeeded.value && !document.hidden) {
      await fetchStatus();
      if (status.value?.streams !== false && connection.value !== 'lost')
        await followEvents(stopped).catch(ignore);
      if (connection.value === 'events') connection.value = 'polling';
      if (stopped.aborted) return;
      ticks.value++;
    }
    await nextTurn(stopped);
    if (stopped.aborted) return;
  }
}

/** Waits for the next poll, or until the page is shown or hidden, or until it is stopped. */
function nextTurn(stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const ended = new AbortController();
    const { signal } = ended;
    const end = () => {
      clearTimeout(timer);
      ended.abort();
      resolve();
    };
    const timer = setTimeout(end, pollEveryMs);
    document.addEventListener('visibilitychange', end, { signal });
    stopped.addEventListener('abort', end, { signal });
  });
}

async function fetchStatus(): Promise<void> {
  try {
    status.value = await callApi('status', statusShape);
    if (connection.value === 'lost') connection.value = 'polling';
  } catch (error) {
    // Orthanc's plugin answers `service_away` where the service does not answer.
    if (error instanceof ApiError && (error.status === 0 || error.code === 'service_away'))
      connection.value = 'lost';
  }
}

/** After a stream that failed, the page polls until the next one. */
const ignore = () => undefined;

/** Returns when the stream ends. */
async function followEvents(stopped: AbortSignal): Promise<void> {
  if (stopped.aborted) return;
  const ended = new AbortController();
  const { signal } = ended;
  const abort = () => ended.abort();
  let timer = setTimeout(abort, silenceMs);
  // Browsers open about six connections to one address: hidden pages leave theirs to the others.
  document.addEventListener('visibilitychange', () => document.hidden && abort(), { signal });
  stopped.addEventListener('abort', abort, { signal });
  try {
    const response = await sendRequest('events', { signal, cache: 'no-store' });
    if (response.body === null || !response.headers.get('content-type')?.startsWith('text/event-stream'))
      return;
    connection.value = 'events';
    const parser = createParser({ onEvent: dispatch });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(abort, silenceMs);
      parser.feed(value);
    }
  } finally {
    clearTimeout(timer);
    abort();
  }
}

function dispatch({ event: name, data }: EventSourceMessage): void {
  if (name === 'decided') {
    const event = decidedEvent.safeParse(parseJson(data));
    if (event.success) for (const listener of listeners) listener(event.data);
  } else if (name === 'status') {
    const parsed = statusShape.safeParse(parseJson(data));
    if (parsed.success) status.value = parsed.data;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // ignored, like an event that the page does not know
  }
}
