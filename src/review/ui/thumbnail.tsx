import { useEffect, useRef, useState } from 'preact/hooks';
import { fetchPicture } from '../api/pictures.js';
import { texts } from '../texts/index.js';

/** A small rendering of an instance, fetched when it comes near the visible part of the list. */
export function Thumbnail({ instance }: { instance: string }) {
  const element = useRef<HTMLSpanElement>(null);
  const [shown, setShown] = useState<string | 'failed'>();
  useEffect(() => {
    let unmounted = false;
    const load = () =>
      fetchPicture(`instances/${instance}/thumbnail`).then(
        (url) => unmounted || setShown(url),
        () => unmounted || setShown('failed'),
      );
    const observer = new IntersectionObserver(
      (changes) => {
        if (!changes.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        void load();
      },
      { root: document.getElementById('main'), rootMargin: '300px' },
    );
    if (element.current) observer.observe(element.current);
    return () => {
      unmounted = true;
      observer.disconnect();
    };
  }, [instance]);
  return (
    <span ref={element} class="thumbnail">
      {shown === 'failed' ? (
        <span class="no-picture">{texts.thumbnailMissing}</span>
      ) : (
        shown !== undefined && <img src={shown} alt="" draggable={false} />
      )}
    </span>
  );
}
