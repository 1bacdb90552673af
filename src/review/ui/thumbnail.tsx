import { useEffect, useRef, useState } from 'preact/hooks';
import { picture } from '../api/pictures.js';

/** A small rendering of an instance, fetched once it comes near the screen. */
export function Thumbnail({ instance }: { instance: string }) {
  const place = useRef<HTMLSpanElement>(null);
  const [shown, setShown] = useState<string | 'failed'>();
  useEffect(() => {
    let gone = false;
    const fetchIt = () =>
      picture(`instances/${instance}/thumbnail`).then(
        (url) => gone || setShown(url),
        () => gone || setShown('failed'),
      );
    const observer = new IntersectionObserver(
      (seen) => {
        if (!seen.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        void fetchIt();
      },
      { root: document.getElementById('main'), rootMargin: '300px' },
    );
    if (place.current) observer.observe(place.current);
    return () => {
      gone = true;
      observer.disconnect();
    };
  }, [instance]);
  return (
    <span ref={place} class="thumbnail">
      {shown === 'failed' ? (
        <span class="no-picture">No picture</span>
      ) : (
        shown !== undefined && <img src={shown} alt="" draggable={false} />
      )}
    </span>
  );
}
