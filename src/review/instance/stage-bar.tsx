import type { Entry } from '../api/schema.js';
import { texts } from '../texts/index.js';
import { Key } from '../ui/keys.js';
import {
  inverted,
  mapCategory,
  mapIsOn,
  mapStrength,
  resetView,
  shownMirrored,
  tool,
  turnFurther,
} from './view-state.js';

/** The tools of the picture, on its lower edge. */
export function StageBar({ entry, zoomBy }: { entry: Entry; zoomBy: (factor: number) => void }) {
  const category = mapCategory.value ?? entry.category ?? entry.top[0]?.category;
  return (
    <div class="stage-bar" role="toolbar" aria-label={texts.stagePicture}>
      <fieldset class="segmented">
        <legend class="visually-hidden">{texts.stageDragging}</legend>
        {(['window', 'pan'] as const).map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={tool.value === name}
            onClick={() => (tool.value = name)}
          >
            {texts.stageTools[name]}
          </button>
        ))}
      </fieldset>
      <span class="together">
        <button type="button" aria-label={texts.stageZoomOut} onClick={() => zoomBy(1 / 1.4)}>
          −
        </button>
        <button type="button" aria-label={texts.stageZoomIn} onClick={() => zoomBy(1.4)}>
          +
        </button>
      </span>
      <button type="button" aria-pressed={inverted.value} onClick={() => (inverted.value = !inverted.value)}>
        {texts.stageInvert}
      </button>
      <button type="button" onClick={() => turnFurther(entry)}>
        {texts.stageTurn}
      </button>
      <button
        type="button"
        aria-pressed={shownMirrored.value}
        onClick={() => (shownMirrored.value = !shownMirrored.value)}
      >
        {texts.stageMirror}
      </button>
      <button type="button" onClick={resetView}>
        {texts.stageReset}
      </button>
      {category !== undefined && (
        <span class="together map-tools">
          <button
            type="button"
            aria-pressed={mapIsOn.value}
            title={texts.stageMapTitle(category)}
            onClick={() => (mapIsOn.value = !mapIsOn.value)}
          >
            {texts.stageMap} <Key name="a" />
          </button>
          {mapIsOn.value && (
            <input
              type="range"
              aria-label={texts.stageMapStrength}
              min={0}
              max={1}
              step={0.05}
              value={mapStrength.value}
              onInput={(event) => {
                mapStrength.value = event.currentTarget.valueAsNumber;
              }}
            />
          )}
        </span>
      )}
    </div>
  );
}
