import { useEffect, useState } from 'preact/hooks';

/** A number that grows at each interval while the page is visible: for what no event tells, as an effect's dependency. */
export function useInterval(milliseconds: number): number {
  const [times, setTimes] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setTimes((known) => known + 1), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
  return times;
}
