import { useEffect, useState } from 'preact/hooks';
import type { Size } from '../base/size.js';

/** The size of an element, kept up to date. */
export function useSize(ref: { current: HTMLElement | null }): Size | undefined {
  const [size, setSize] = useState<Size>();
  useEffect(() => {
    const { current } = ref;
    if (current === null) return;
    const measure = () => setSize({ width: current.clientWidth, height: current.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    measure();
    return () => observer.disconnect();
  }, [ref]);
  return size;
}
