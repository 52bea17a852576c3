import { PNG } from 'pngjs';
import { SIDE, picture } from '../../examples/digit-search/functions/node/digits';

/** Turns digits into pictures for a page, each one once. */
export class Pictures {
  private readonly made = new Map<number, string>();

  constructor(private readonly pixels: Uint8Array) {}

  /** A PNG as a data URI: bright strokes on black, in grey. */
  uri(index: number): string {
    let uri = this.made.get(index);
    if (!uri) {
      const image = new PNG({ width: SIDE, height: SIDE });
      picture(this.pixels, index).forEach((shade, pixel) => image.data.set([shade, shade, shade, 255], pixel * 4));
      uri = `data:image/png;base64,${PNG.sync.write(image, { colorType: 0 }).toString('base64')}`;
      this.made.set(index, uri);
    }
    return uri;
  }
}
