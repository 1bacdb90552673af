import { useEffect, useState } from 'preact/hooks';
import type { Size } from '../instance/viewport.js';

/** How large an element is, in CSS pixels, and stays told of it. */
export function useSize(place: { current: HTMLElement | null }): Size | undefined {
  const [size, setSize] = useState<Size>();
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const measure = () => setSize({ width: current.clientWidth, height: current.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    measure();
    return () => observer.disconnect();
  }, [place]);
  return size;
}
