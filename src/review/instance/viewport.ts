import type { Size } from '../base/size.js';

/** Position and size of the picture on the stage; at `zoom` 1 it fits the stage. */
export interface Placement {
  zoom: number;
  /** Distance of the picture's centre from the stage's centre, in CSS pixels. */
  x: number;
  y: number;
}

export const fitted: Placement = { zoom: 1, x: 0, y: 0 };
const maxZoom = 16;

/** Zooms so that the point of the picture under (x, y), measured from the stage's centre, stays there. */
export function zoomAt(placement: Placement, factor: number, x = 0, y = 0): Placement {
  const zoom = clamp(placement.zoom * factor, 1, maxZoom);
  const by = zoom / placement.zoom;
  return { zoom, x: x - (x - placement.x) * by, y: y - (y - placement.y) * by };
}

/** Keeps the picture on the stage: a larger one covers it, a smaller one is centred. */
export function clampToStage({ zoom, x, y }: Placement, picture: Size, stage: Size): Placement {
  const slackX = Math.max(0, (picture.width * zoom - stage.width) / 2);
  const slackY = Math.max(0, (picture.height * zoom - stage.height) / 2);
  return { zoom, x: clamp(x, -slackX, slackX), y: clamp(y, -slackY, slackY) };
}

/** The largest size with the picture's aspect ratio that fits the stage. */
export function fitInto(picture: Size, stage: Size): Size {
  const scale = Math.min(stage.width / picture.width, stage.height / picture.height);
  return { width: picture.width * scale, height: picture.height * scale };
}

/** The size of a picture after a quarter turn, or as it is. */
export const turnedSize = ({ width, height }: Size, turn: number): Size =>
  turn % 180 === 0 ? { width, height } : { width: height, height: width };

/** The grey values that are spread from black to white; 0…1 is what Orthanc's own rendering shows. */
export interface GreyWindow {
  center: number;
  width: number;
}

export const wholeWindow: GreyWindow = { center: 0.5, width: 1 };

export const limitWindow = ({ center, width }: GreyWindow): GreyWindow => ({
  center: clamp(center, -1, 2),
  width: clamp(width, 0.02, 4),
});

/** @param dx, dy movement in stages: 1 to the right makes the window 8 times as wide, upwards is brighter */
export const dragWindow = ({ center, width }: GreyWindow, dx: number, dy: number): GreyWindow =>
  limitWindow({ center: center + dy * Math.max(width, 0.2), width: width * 2 ** (dx * 3) });

/** The linear map from a picture rendered with one window to the same picture in another window. */
export function windowChange(
  rendered: GreyWindow,
  wanted: GreyWindow,
  inverted: boolean,
): { slope: number; intercept: number } {
  const slope = rendered.width / wanted.width;
  const intercept =
    (rendered.center - rendered.width / 2 - (wanted.center - wanted.width / 2)) / wanted.width;
  return inverted ? { slope: -slope, intercept: 1 - intercept } : { slope, intercept };
}

/**
 * Length in pixels to ask for, for a picture's longer side. Few different lengths, so that caches hold the answer, and
 * never more than the picture has.
 */
export function renderedSide(
  wanted: number,
  own: { rows?: number | undefined; columns?: number | undefined },
): number {
  const enough = [256, 512, 1024, 2048, 4096].find((side) => side >= wanted) ?? 4096;
  const all = Math.max(own.rows ?? 0, own.columns ?? 0);
  return all === 0 ? enough : Math.min(enough, Math.max(all, 16));
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);
