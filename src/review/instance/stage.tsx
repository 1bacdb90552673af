import { useEffect, useRef, useState } from 'preact/hooks';
import type { Entry } from '../api/schema.js';
import { seen } from '../state/review.js';
import { spoken } from '../ui/format.js';
import { useShortcuts } from '../ui/shortcuts.js';
import { useSize } from '../ui/size.js';
import { ActivationMap } from './activation.js';
import { followPointers } from './gestures.js';
import { stageSide, usePrepared, useRendering } from './rendering.js';
import { StageBar } from './stage-bar.js';
import { greyWindow, inverted, mapCategory, mapIsOn, placement, resetView } from './view-state.js';
import { between, fitInto, kept, limited, renderedSide, type Size, wholeWindow, zoomAt } from './viewport.js';

/** The radiograph, on a dark ground whatever the theme: window by dragging, zoom and pan. */
export function Stage({ entry }: { entry: Entry }) {
  const stage = useRef<HTMLDivElement>(null);
  const space = useSize(stage);
  const [natural, setNatural] = useState<Size>();
  const [isDragging, setDragging] = useState(false);
  const shape = entry.columns && entry.rows ? { width: entry.columns, height: entry.rows } : natural;
  const fit = shape === undefined || space === undefined ? undefined : fitInto(shape, space);

  const { zoom, x, y } = placement.value;
  const side = stageSide(space) * Math.min(zoom, 4);
  const { shown, trouble } = useRendering(entry, renderedSide(side, entry), isDragging);
  usePrepared(space);
  useEffect(() => {
    if (trouble !== undefined) seen.value = entry.instance;
  }, [trouble, entry.instance]);

  const latestFit = useRef(fit);
  latestFit.current = fit;
  useEffect(() => {
    if (!stage.current) return;
    const fitNow = () => latestFit.current ?? { width: 0, height: 0 };
    return followPointers({ stage: stage.current, fitSize: fitNow, onWindowDrag: setDragging });
  }, []);
  // Keys go to the new picture, not to the button that led here.
  // Once for each picture
  useEffect(() => stage.current?.focus({ preventScroll: true }), [entry.instance]);
  const zoomBy = (factor: number) => {
    if (fit && space) placement.value = kept(zoomAt(placement.value, factor), fit, space);
  };
  useStageShortcuts(zoomBy);
  const onArrow = (event: KeyboardEvent) => {
    const way = arrows[event.key];
    if (way === undefined || !fit || !space) return;
    event.preventDefault();
    const { value } = placement;
    placement.value = kept({ ...value, x: value.x + way[0] * 60, y: value.y + way[1] * 60 }, fit, space);
  };

  const { slope, intercept } = between(shown?.window ?? wholeWindow, greyWindow.value, inverted.value);
  const category = mapCategory.value ?? entry.category ?? entry.top[0]?.category;
  return (
    <section class="viewer" aria-label="Radiograph">
      {/* biome-ignore lint/a11y/useSemanticElements: no form's fieldset */}
      <div
        ref={stage}
        class="stage"
        role="group"
        aria-label="Picture"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys pan it
        tabIndex={0}
        data-keeps-arrows={zoom > 1 ? '' : undefined}
        onKeyDown={zoom > 1 ? onArrow : undefined}
      >
        <GreyFilter slope={slope} intercept={intercept} />
        {fit !== undefined && (
          <div
            class="layer"
            style={{
              width: `${fit.width}px`,
              height: `${fit.height}px`,
              transform: `translate(-50%, -50%) translate(${x}px, ${y}px) scale(${zoom})`,
            }}
          >
            {shown !== undefined && (
              <img
                class="radiograph"
                data-loaded={seen.value === shown.instance ? '' : undefined}
                src={shown.url}
                onLoad={() => {
                  seen.value = shown.instance;
                }}
                alt={`Radiograph, ${entry.category === undefined ? 'undecided' : spoken(entry.category)}`}
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
            class="unseen"
            src={shown.url}
            alt=""
            onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
              setNatural({ width: naturalWidth, height: naturalHeight })
            }
          />
        )}
        {trouble !== undefined && (
          <p class="no-picture" role="alert">
            {trouble}
          </p>
        )}
      </div>
      <StageBar entry={entry} zoomBy={zoomBy} />
    </section>
  );
}

const arrows: { [key: string]: readonly [number, number] } = {
  ArrowLeft: [1, 0],
  ArrowRight: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

function useStageShortcuts(zoomBy: (factor: number) => void): void {
  const shift = (center: number, width: number) => {
    const { value } = greyWindow;
    greyWindow.value = limited({ center: value.center + center * value.width, width: value.width * width });
  };
  useShortcuts('Picture', [
    { keys: ['+', '='], repeats: true, does: 'Zoom in (then the arrows pan)', run: () => zoomBy(1.4) },
    { keys: ['-'], repeats: true, does: 'Zoom out', run: () => zoomBy(1 / 1.4) },
    { keys: ['0'], does: 'As at first', run: resetView },
    { keys: ['b'], repeats: true, does: 'Brighter', run: () => shift(-0.06, 1) },
    { keys: ['v'], repeats: true, does: 'Darker', run: () => shift(0.06, 1) },
    { keys: ['m'], repeats: true, does: 'More contrast', run: () => shift(0, 1 / 1.15) },
    { keys: ['l'], repeats: true, does: 'Less contrast', run: () => shift(0, 1.15) },
    { keys: ['i'], does: 'Invert', run: () => (inverted.value = !inverted.value) },
    { keys: ['a'], does: 'Show what decided', run: () => (mapIsOn.value = !mapIsOn.value) },
  ]);
}

/** What the window makes of the grey values, done by the browser while the true rendering is on its way. */
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
