import { inflateSync } from 'zlib';
import { PNG } from 'pngjs';
import { Colour, palette } from './colours';
import { Tile, readView, tileAt, tileCount } from './tiles';
import { ComputedTiles } from './worker';
import { CombinerEvent, readResults } from '../../../runtime';

/** The answer of the job. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Tiles that are black because their batch failed. */
  readonly missingTiles: number;
  /** The size of the PNG in bytes. */
  readonly bytes: number;
  /** The PNG in Base64. */
  readonly png: string;
}

/** Lambda returns at most 6 MB. */
const MOST_CHARACTERS = 5_900_000;

/** Puts the tiles together and colours them. */
export async function handler(event: CombinerEvent): Promise<Picture> {
  const view = readView(event.parameters);
  const { width, height } = view;
  const colours = palette(view.maxIterations);
  const image = new PNG({ width, height });
  let drawn = 0;
  for await (const { state, result } of readResults(event)) {
    if (state !== 'succeeded') continue;
    const { first, tiles } = result as ComputedTiles;
    tiles.forEach((counts, i) => drawTile(image, tileAt(view, first + i), inflateSync(Buffer.from(counts, 'base64')), colours));
    drawn += tiles.length;
  }
  const file = PNG.sync.write(image, { colorType: 2 });
  const png = file.toString('base64');
  if (png.length > MOST_CHARACTERS) {
    throw new Error(`the image has ${file.length} bytes, more than an answer can hold: ask for fewer pixels than ${width} x ${height}`);
  }
  return { width, height, missingTiles: tileCount(view) - drawn, bytes: file.length, png };
}

function drawTile(image: PNG, tile: Tile, counts: Buffer, colours: readonly Colour[]): void {
  for (let row = 0; row < tile.height; row++) {
    for (let column = 0; column < tile.width; column++) {
      const count = counts.readUInt16LE((row * tile.width + column) * 2);
      image.data.set([...colours[count], 255], ((tile.y + row) * image.width + tile.x + column) * 4);
    }
  }
}
