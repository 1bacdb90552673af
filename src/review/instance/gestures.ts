import { batch } from '@preact/signals';
import type { Size } from '../base/size.js';
import { greyWindow, placement, tool } from './view-state.js';
import { clampToStage, dragWindow, zoomAt } from './viewport.js';

interface StageParts {
  stage: HTMLElement;
  /** Size of the picture at zoom 1. */
  fitSize: () => Size;
  onWindowDrag: (isDragging: boolean) => void;
}

/**
 * Mouse, pen and fingers on the stage. A drag does what the tool says; with the middle button or with Shift the other
 * thing; with the right button it zooms, as in most viewers. Two fingers zoom and pan at once. The wheel zooms around the pointer.
 * @returns a function that stops it
 */
export function followPointers({ stage, fitSize, onWindowDrag }: StageParts): () => void {
  const down = new Map<number, { x: number; y: number }>();
  let action: 'window' | 'pan' | 'zoom' = 'window';
  let began = { x: 0, y: 0 };

  const size = (): Size => ({ width: stage.clientWidth, height: stage.clientHeight });
  const fromCentre = (event: MouseEvent) => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
  };

  const begin = (event: PointerEvent) => {
    stage.setPointerCapture(event.pointerId);
    down.set(event.pointerId, fromCentre(event));
    const other = tool.value === 'window' ? 'pan' : 'window';
    began = fromCentre(event);
    action = event.button === 2 ? 'zoom' : event.button > 0 || event.shiftKey ? other : tool.value;
    if (down.size === 1 && action === 'window') onWindowDrag(true);
  };
  const move = (event: PointerEvent) => {
    const from = down.get(event.pointerId);
    if (from === undefined) return;
    const to = fromCentre(event);
    const still = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, to);
    if (still !== undefined) pinch(still, from, to);
    else if (action === 'pan') pan(to.x - from.x, to.y - from.y);
    else if (action === 'zoom') zoomBy(2 ** ((from.y - to.y) / 120), began);
    else {
      const { width, height } = size();
      greyWindow.value = dragWindow(greyWindow.value, (to.x - from.x) / width, (to.y - from.y) / height);
    }
  };
  const zoomBy = (factor: number, { x, y }: { x: number; y: number }) => {
    placement.value = clampToStage(zoomAt(placement.value, factor, x, y), fitSize(), size());
  };
  const pan = (dx: number, dy: number) => {
    const { zoom, x, y } = placement.value;
    placement.value = clampToStage({ zoom, x: x + dx, y: y + dy }, fitSize(), size());
  };
  /** One finger rests while the other moves: half of the movement pans, the change of distance zooms. */
  const pinch = (
    still: { x: number; y: number },
    from: { x: number; y: number },
    to: { x: number; y: number },
  ) => {
    const before = Math.hypot(from.x - still.x, from.y - still.y);
    const after = Math.hypot(to.x - still.x, to.y - still.y);
    batch(() => {
      pan((to.x - from.x) / 2, (to.y - from.y) / 2);
      if (before > 0)
        placement.value = clampToStage(
          zoomAt(placement.value, after / before, (to.x + still.x) / 2, (to.y + still.y) / 2),
          fitSize(),
          size(),
        );
    });
  };
  const end = (event: PointerEvent) => {
    if (!down.delete(event.pointerId)) return;
    if (down.size === 0) onWindowDrag(false);
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    zoomBy(2 ** (-event.deltaY / 400), fromCentre(event));
  };
  const doubleClick = (event: MouseEvent) => {
    zoomBy(placement.value.zoom > 1 ? 0 : 3, fromCentre(event));
  };
  const noMenu = (event: Event) => event.preventDefault();

  const stopped = new AbortController();
  const { signal } = stopped;
  stage.addEventListener('pointerdown', begin, { signal });
  stage.addEventListener('pointermove', move, { signal });
  stage.addEventListener('pointerup', end, { signal });
  stage.addEventListener('pointercancel', end, { signal });
  stage.addEventListener('wheel', wheel, { signal, passive: false });
  stage.addEventListener('dblclick', doubleClick, { signal });
  stage.addEventListener('contextmenu', noMenu, { signal });
  return () => stopped.abort();
}
