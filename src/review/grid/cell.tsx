import { useEffect, useRef, useState } from 'preact/hooks';
import { scoreText } from '../base/format.js';
import { texts } from '../texts/index.js';
import { keyOf, markSeen, markUnshowable, out, type Picture, page, thumbnailOf, toggle } from './state.js';

interface Props {
  picture: Picture;
  place: number;
  /** Whether Tab leads here. */
  isCurrent: boolean;
  onCurrent(): void;
}

/** A picture that is to be confirmed, unless it is taken out. */
export function Cell({ picture, place, isCurrent, onCurrent }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const [url, setUrl] = useState<string | 'failed'>();
  const [isDrawn, setDrawn] = useState(false);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    let unmounted = false;
    const failed = () => {
      if (unmounted) return;
      setUrl('failed');
      markUnshowable(picture);
    };
    thumbnailOf(picture).then((given) => unmounted || setUrl(given), failed);
    return () => {
      unmounted = true;
    };
  }, []);
  // Whoever confirms has had the picture on the screen.
  useEffect(() => {
    if (!isDrawn || element.current === null) return;
    const observer = new IntersectionObserver(
      (changes) => {
        if (!changes.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        markSeen(picture);
        setSeen(true);
      },
      { root: document.getElementById('main'), threshold: 0.5 },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [isDrawn]);
  const isOut = out.value.has(keyOf(picture));
  const score = scoreText(picture.score);
  const press = () => {
    onCurrent();
    toggle(picture);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useSemanticElements: the space bar is a shortcut of the page; see the grid
    <div
      ref={element}
      role="gridcell"
      data-instance={picture.instance}
      data-seen={isSeen || undefined}
      tabIndex={isCurrent ? 0 : -1}
      aria-selected={!isOut}
      onClick={press}
      onFocus={onCurrent}
    >
      <span class="visually-hidden">
        {texts.gridCell(place, page.value.length, score, isOut, picture.differs)}
      </span>
      <span class="thumbnail">
        {url === 'failed' ? (
          <span class="no-picture">{texts.thumbnailMissing}</span>
        ) : (
          url !== undefined && <img src={url} alt="" draggable={false} onLoad={() => setDrawn(true)} />
        )}
      </span>
      <span class="grid-facts" aria-hidden="true">
        <span>{isOut ? texts.gridOut : texts.gridIn}</span>
        {picture.differs && <span>{texts.chipOrderMismatch}</span>}
        <span>{score}</span>
      </span>
    </div>
  );
}
