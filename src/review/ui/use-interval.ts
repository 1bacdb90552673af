import { useEffect, useState } from 'preact/hooks';

/** Grows every so often while the page is looked at: a reason to ask anew for what no event tells. */
export function useNowAndThen(milliseconds: number): number {
  const [times, setTimes] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setTimes((known) => known + 1), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
  return times;
}
