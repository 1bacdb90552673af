/** In CSS pixels, unless said otherwise. */
export interface Size {
  width: number;
  height: number;
}
