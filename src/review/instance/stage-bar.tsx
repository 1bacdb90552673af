import type { Entry } from '../api/schema.js';
import { spoken } from '../ui/format.js';
import { inverted, mapCategory, mapIsOn, mapStrength, resetView, tool } from './view-state.js';

/** The tools of the picture, on its lower edge. */
export function StageBar({ entry, zoomBy }: { entry: Entry; zoomBy: (factor: number) => void }) {
  const category = mapCategory.value ?? entry.category ?? entry.top[0]?.category;
  return (
    <div class="stage-bar" role="toolbar" aria-label="Picture">
      <fieldset class="segmented">
        <legend class="unseen">Dragging changes</legend>
        {(['window', 'pan'] as const).map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={tool.value === name}
            onClick={() => (tool.value = name)}
          >
            {name === 'window' ? 'Window' : 'Pan'}
          </button>
        ))}
      </fieldset>
      <span class="together">
        <button type="button" aria-label="Zoom out" onClick={() => zoomBy(1 / 1.4)}>
          −
        </button>
        <button type="button" aria-label="Zoom in" onClick={() => zoomBy(1.4)}>
          +
        </button>
      </span>
      <button type="button" aria-pressed={inverted.value} onClick={() => (inverted.value = !inverted.value)}>
        Invert
      </button>
      <button type="button" onClick={resetView}>
        Reset
      </button>
      {category !== undefined && (
        <span class="together map-tools">
          <button
            type="button"
            aria-pressed={mapIsOn.value}
            title={`Where the network saw ${spoken(category)}`}
            onClick={() => (mapIsOn.value = !mapIsOn.value)}
          >
            Why? <kbd>A</kbd>
          </button>
          {mapIsOn.value && (
            <input
              type="range"
              aria-label="Strength of the map"
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
