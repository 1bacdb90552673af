import { useEffect, useState } from 'preact/hooks';
import { wordsOf } from '../api/client.js';
import { picture } from '../api/pictures.js';
import type { Entry } from '../api/schema.js';
import { current } from '../state/review.js';
import { items, know, placeOf } from '../state/worklist.js';
import { greyWindow } from './view-state.js';
import { type GreyWindow, renderedSide, type Size, wholeWindow } from './viewport.js';

interface Rendering {
  url: string;
  instance: string;
  window: GreyWindow;
}

/** Orthanc's rendering for the window and width wanted; until it is there, the best that there is. */
export function useRendering(entry: Entry, side: number, isDragging: boolean) {
  const [shown, setShown] = useState<Rendering>();
  const [trouble, setTrouble] = useState<string>();
  const { instance, voi } = entry;
  const { center, width: windowWidth } = greyWindow.value;
  // While it is dragged, the whole range is needed; afterwards Orthanc renders the window from all bits.
  const isWhole = voi === undefined || isDragging || (center === 0.5 && windowWidth === 1);
  useEffect(() => {
    const wanted = isWhole ? wholeWindow : { center, width: windowWidth };
    const asked =
      isWhole || voi === undefined
        ? {}
        : {
            center: Math.round((voi.center + (wanted.center - 0.5) * voi.width) * 100) / 100,
            window: Math.round(wanted.width * voi.width * 100) / 100,
          };
    let gone = false;
    const timer = setTimeout(
      () =>
        picture(`instances/${instance}/picture`, { width: side, ...asked }).then(
          (url) => {
            if (gone) return;
            setTrouble(undefined);
            setShown({ url, instance, window: wanted });
          },
          (error: unknown) => gone || setTrouble(wordsOf(error)),
        ),
      asked.window === undefined ? 0 : 200,
    );
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [instance, side, isWhole, isWhole || center, isWhole || windowWidth]);
  // Never the picture before under the words of this one.
  return { shown: shown?.instance === instance ? shown : undefined, trouble };
}

/** Length that a picture's longer side has on a stage, in pixels of the screen. */
export const stageSide = (stage: Size | undefined): number =>
  stage === undefined ? 512 : Math.max(stage.width, stage.height) * Math.min(devicePixelRatio, 2);

/** Has the list's next picture fetched while this one is looked at. */
export function usePrepared(stage: Size | undefined): void {
  const shown = current.value?.instance;
  const side = stageSide(stage);
  useEffect(() => {
    const following = shown === undefined ? undefined : items.peek()[placeOf(shown) + 1];
    if (stage === undefined || following === undefined) return;
    know(following.instance)
      .then((entry) => picture(`instances/${entry.instance}/picture`, { width: renderedSide(side, entry) }))
      .catch(() => undefined); // whoever goes there will be told
  }, [shown, side, stage === undefined]);
}
