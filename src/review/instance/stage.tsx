import { useEffect, useRef, useState } from 'preact/hooks';
import type { Entry } from '../api/schema.js';
import type { Size } from '../base/size.js';
import { notifyOnError } from '../state/notices.js';
import { canOrient, orient, pictureKey, saving, seenPicture } from '../state/review.js';
import { mayReview } from '../state/session.js';
import { texts } from '../texts/index.js';
import { Key } from '../ui/keys.js';
import { useShortcuts } from '../ui/shortcuts.js';
import { useSize } from '../ui/use-size.js';
import { ActivationMap } from './activation.js';
import { followPointers } from './gestures.js';
import { stageSide, usePrefetch, useRendering } from './rendering.js';
import { StageBar } from './stage-bar.js';
import {
  chosenTurn,
  greyWindow,
  inverted,
  isShownOtherwise,
  isToldMirrored,
  mapCategory,
  mapIsOn,
  placement,
  resetView,
  showAsStored,
  shownMirrored,
  shownTurn,
  turnFurther,
  whoTold,
} from './view-state.js';
import {
  clampToStage,
  fitInto,
  limitWindow,
  renderedSide,
  turnedSize,
  wholeWindow,
  windowChange,
  zoomAt,
} from './viewport.js';

/** The radiograph, on a dark background in both themes: window by dragging, zoom and pan. */
export function Stage({ entry }: { entry: Entry }) {
  const stage = useRef<HTMLDivElement>(null);
  const space = useSize(stage);
  const [natural, setNatural] = useState<Size>();
  const [isDragging, setDragging] = useState(false);
  const shape = entry.columns && entry.rows ? { width: entry.columns, height: entry.rows } : natural;
  const turn = shownTurn(entry);
  const fit =
    shape === undefined || space === undefined ? undefined : fitInto(turnedSize(shape, turn), space);
  const layer = fit && turnedSize(fit, turn);

  const { zoom, x, y } = placement.value;
  const side = stageSide(space) * Math.min(zoom, 4);
  const { shown, error } = useRendering(entry, renderedSide(side, entry), isDragging);
  usePrefetch(space);
  useEffect(() => {
    if (error !== undefined) seenPicture.value = pictureKey(entry);
  }, [error, entry]);

  const latestFit = useRef(fit);
  latestFit.current = fit;
  useEffect(() => {
    if (!stage.current) return;
    const fitSize = () => latestFit.current ?? { width: 0, height: 0 };
    return followPointers({ stage: stage.current, fitSize, onWindowDrag: setDragging });
  }, []);
  // Keys go to the new picture, not to the button that led here. Runs for each new picture
  useEffect(() => stage.current?.focus({ preventScroll: true }), [entry.instance]);
  const zoomBy = (factor: number) => {
    if (fit && space) placement.value = clampToStage(zoomAt(placement.value, factor), fit, space);
  };
  useStageShortcuts(entry, zoomBy);
  const onArrow = (event: KeyboardEvent) => {
    const direction = arrows[event.key];
    if (direction === undefined || !fit || !space) return;
    event.preventDefault();
    const { value } = placement;
    placement.value = clampToStage(
      { ...value, x: value.x + direction[0] * 60, y: value.y + direction[1] * 60 },
      fit,
      space,
    );
  };

  const { slope, intercept } = windowChange(shown?.window ?? wholeWindow, greyWindow.value, inverted.value);
  const category = mapCategory.value ?? entry.category ?? entry.top[0]?.category;
  const wayUp = mayReview.value && canOrient(entry) && isShownOtherwise(entry) && (
    <button type="button" disabled={saving.value} onClick={() => notifyOnError(orientAsShown(entry))}>
      {texts.stageWayUp} <Key name="f" />
    </button>
  );
  return (
    <section class="viewer" aria-label={texts.stageRadiograph}>
      {/* biome-ignore lint/a11y/useSemanticElements: no form's fieldset */}
      <div
        ref={stage}
        class="stage"
        role="group"
        aria-label={texts.stagePicture}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys pan it
        tabIndex={0}
        data-keeps-arrows={zoom > 1 ? '' : undefined}
        onKeyDown={zoom > 1 ? onArrow : undefined}
      >
        <GreyFilter slope={slope} intercept={intercept} />
        {layer !== undefined && (
          <div
            class="layer"
            data-turn={turn}
            style={{
              width: `${layer.width}px`,
              height: `${layer.height}px`,
              transform: `translate(-50%, -50%) translate(${x}px, ${y}px) scale(${shownMirrored.value ? -zoom : zoom}, ${zoom}) rotate(${turn}deg)`,
            }}
          >
            {shown !== undefined && (
              <img
                class="radiograph"
                data-loaded={seenPicture.value === shown.key ? '' : undefined}
                src={shown.url}
                onLoad={() => {
                  seenPicture.value = shown.key;
                }}
                alt={texts.stageAlt(entry.category)}
                draggable={false}
              />
            )}
            {mapIsOn.value && category !== undefined && (
              <ActivationMap instance={entry.instance} category={category} />
            )}
          </div>
        )}
        {shown !== undefined && fit === undefined && (
          <img
            class="visually-hidden"
            src={shown.url}
            alt=""
            onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
              setNatural({ width: naturalWidth, height: naturalHeight })
            }
          />
        )}
        {error !== undefined && (
          <p class="no-picture" role="alert">
            {error}
          </p>
        )}
      </div>
      {chosenTurn.value === undefined && turn !== 0 && (
        <p class="turned" role="status">
          {texts.stageTurned(turn, whoTold(entry))}{' '}
          <button type="button" onClick={showAsStored}>
            {texts.stageAsStored}
          </button>
        </p>
      )}
      {isToldMirrored(entry) ? (
        <p class="turned" role="status">
          {texts.stageMirrored(whoTold(entry))} {wayUp}
        </p>
      ) : (
        wayUp && (
          <p class="turned">
            {texts.stageOtherwise} {wayUp}
          </p>
        )
      )}
      <StageBar entry={entry} zoomBy={zoomBy} />
    </section>
  );
}

/** A person says that the picture is right as it is shown. */
const orientAsShown = (entry: Entry): Promise<void> => orient(entry, shownTurn(entry), shownMirrored.value);

const arrows: { [key: string]: readonly [number, number] } = {
  ArrowLeft: [1, 0],
  ArrowRight: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

function useStageShortcuts(entry: Entry, zoomBy: (factor: number) => void): void {
  const shift = (center: number, width: number) => {
    const { value } = greyWindow;
    greyWindow.value = limitWindow({
      center: value.center + center * value.width,
      width: value.width * width,
    });
  };
  useShortcuts(texts.keysPicture, [
    { keys: ['+', '='], repeats: true, description: texts.keyZoomIn, run: () => zoomBy(1.4) },
    { keys: ['-'], repeats: true, description: texts.keyZoomOut, run: () => zoomBy(1 / 1.4) },
    { keys: ['0'], description: texts.keyReset, run: resetView },
    { keys: ['b'], repeats: true, description: texts.keyBrighter, run: () => shift(-0.06, 1) },
    { keys: ['v'], repeats: true, description: texts.keyDarker, run: () => shift(0.06, 1) },
    { keys: ['m'], repeats: true, description: texts.keyMoreContrast, run: () => shift(0, 1 / 1.15) },
    { keys: ['l'], repeats: true, description: texts.keyLessContrast, run: () => shift(0, 1.15) },
    { keys: ['i'], description: texts.keyInvert, run: () => (inverted.value = !inverted.value) },
    { keys: ['t'], description: texts.keyTurn, run: () => turnFurther(entry) },
    { keys: ['h'], description: texts.keyMirror, run: () => (shownMirrored.value = !shownMirrored.value) },
    ...(mayReview.value
      ? [
          {
            keys: ['f'],
            description: texts.stageWayUp,
            run: () => notifyOnError(orientAsShown(entry)),
          },
        ]
      : []),
    { keys: ['a'], description: texts.keyMap, run: () => (mapIsOn.value = !mapIsOn.value) },
  ]);
}

/** Applies the window to the grey values in the browser until Orthanc's rendering arrives. */
function GreyFilter({ slope, intercept }: { slope: number; intercept: number }) {
  const linear = { type: 'linear', slope, intercept } as const;
  return (
    <svg class="filter" aria-hidden="true" width="0" height="0">
      <filter id="grey" color-interpolation-filters="sRGB" x="0" y="0" width="1" height="1">
        <feComponentTransfer>
          <feFuncR {...linear} />
          <feFuncG {...linear} />
          <feFuncB {...linear} />
        </feComponentTransfer>
      </filter>
    </svg>
  );
}
