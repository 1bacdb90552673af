import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../api/client.js';
import { fetchPicture } from '../api/pictures.js';
import type { Entry } from '../api/schema.js';
import type { Size } from '../base/size.js';
import { currentEntry, pictureKey } from '../state/review.js';
import { fetchEntry, items, positionOf } from '../state/worklist.js';
import { greyWindow } from './view-state.js';
import { type GreyWindow, renderedSide, wholeWindow } from './viewport.js';

interface Rendering {
  url: string;
  /** `pictureKey` */
  key: string;
  window: GreyWindow;
}

/** Orthanc's rendering for the wanted window and width; until it is there, the best rendering so far. */
export function useRendering(entry: Entry, side: number, isDragging: boolean) {
  const [shown, setShown] = useState<Rendering>();
  const [error, setError] = useState<string>();
  const { instance, picture, voi } = entry;
  const key = pictureKey(entry);
  const { center, width: windowWidth } = greyWindow.value;
  // During a drag the browser needs the whole range; afterwards Orthanc renders the window from all bits.
  const isWhole = voi === undefined || isDragging || (center === 0.5 && windowWidth === 1);
  useEffect(() => {
    const wanted = isWhole ? wholeWindow : { center, width: windowWidth };
    const voiQuery =
      isWhole || voi === undefined
        ? {}
        : {
            center: Math.round((voi.center + (wanted.center - 0.5) * voi.width) * 100) / 100,
            window: Math.round(wanted.width * voi.width * 100) / 100,
          };
    let cancelled = false;
    const timer = setTimeout(
      () =>
        fetchPicture(`instances/${instance}/picture`, { picture, width: side, ...voiQuery }).then(
          (url) => {
            if (cancelled) return;
            setError(undefined);
            setShown({ url, key, window: wanted });
          },
          (caught: unknown) => cancelled || setError(messageOf(caught)),
        ),
      voiQuery.window === undefined ? 0 : 200,
    );
    return () => {
      cancelled = true;
      clearTimeout(timer);
    };
  }, [instance, picture, key, side, isWhole, isWhole || center, isWhole || windowWidth]);
  // Never the previous picture beside the facts of this one.
  return { shown: shown?.key === key ? shown : undefined, error };
}

/** Length of a picture's longer side on a stage, in device pixels. */
export const stageSide = (stage: Size | undefined): number =>
  stage === undefined ? 512 : Math.max(stage.width, stage.height) * Math.min(devicePixelRatio, 2);

/** Fetches the list's next picture while the reader looks at this one. */
export function usePrefetch(stage: Size | undefined): void {
  const shown = currentEntry.value?.instance;
  const side = stageSide(stage);
  useEffect(() => {
    const following = shown === undefined ? undefined : items.peek()[positionOf(shown) + 1];
    if (stage === undefined || following === undefined) return;
    fetchEntry(following.instance)
      .then((entry) =>
        fetchPicture(`instances/${entry.instance}/picture`, {
          picture: entry.picture,
          width: renderedSide(side, entry),
        }),
      )
      .catch(() => undefined); // shown when the reader goes there
  }, [shown, side, stage === undefined]);
}
