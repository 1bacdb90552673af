import { batch } from '@preact/signals';
import { greyWindow, placement, tool } from './view-state.js';
import { dragged, kept, type Size, zoomAt } from './viewport.js';

interface Parts {
  stage: HTMLElement;
  /** Size of the picture where it fits in. */
  fitSize: () => Size;
  onWindowDrag: (isUnderWay: boolean) => void;
}

/**
 * Mouse, pen and fingers on the stage. A drag does what the tool says, with the right or middle button the other
 * thing; two fingers zoom and pan at once; the wheel zooms where it points.
 * @returns what ends it
 */
export function followPointers({ stage, fitSize, onWindowDrag }: Parts): () => void {
  const down = new Map<number, { x: number; y: number }>();
  let doing: 'window' | 'pan' = 'window';

  const size = (): Size => ({ width: stage.clientWidth, height: stage.clientHeight });
  const place = (event: MouseEvent) => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
  };

  const begin = (event: PointerEvent) => {
    stage.setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
    const other = tool.value === 'window' ? 'pan' : 'window';
    doing = event.button > 0 || event.shiftKey ? other : tool.value;
    if (down.size === 1 && doing === 'window') onWindowDrag(true);
  };
  const move = (event: PointerEvent) => {
    const from = down.get(event.pointerId);
    if (from === undefined) return;
    const to = place(event);
    const still = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, to);
    if (still !== undefined) pinch(still, from, to);
    else if (doing === 'pan') pan(to.x - from.x, to.y - from.y);
    else {
      const { width, height } = size();
      greyWindow.value = dragged(greyWindow.value, (to.x - from.x) / width, (to.y - from.y) / height);
    }
  };
  const pan = (dx: number, dy: number) => {
    const { zoom, x, y } = placement.value;
    placement.value = kept({ zoom, x: x + dx, y: y + dy }, fitSize(), size());
  };
  /** One finger rests while the other moves: half of its way pans, the distance zooms. */
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
        placement.value = kept(
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
    const { x, y } = place(event);
    placement.value = kept(zoomAt(placement.value, 2 ** (-event.deltaY / 400), x, y), fitSize(), size());
  };
  const double = (event: MouseEvent) => {
    const { x, y } = place(event);
    placement.value = kept(
      zoomAt(placement.value, placement.value.zoom > 1 ? 0 : 3, x, y),
      fitSize(),
      size(),
    );
  };
  const noMenu = (event: Event) => event.preventDefault();

  const ended = new AbortController();
  const { signal } = ended;
  stage.addEventListener('pointerdown', begin, { signal });
  stage.addEventListener('pointermove', move, { signal });
  stage.addEventListener('pointerup', end, { signal });
  stage.addEventListener('pointercancel', end, { signal });
  stage.addEventListener('wheel', wheel, { signal, passive: false });
  stage.addEventListener('dblclick', double, { signal });
  stage.addEventListener('contextmenu', noMenu, { signal });
  return () => ended.abort();
}
