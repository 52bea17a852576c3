import { inflateSync } from 'zlib';
import { CombinerEvent, readResults } from 'cdk-burst-compute/runtime';
import { PNG } from 'pngjs';
import { Colour, palette } from './colours';
import { Tile, readView, tileAt, tileCount } from './tiles';
import type { ComputedTiles } from './worker';

/** The answer of the job. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Tiles that are left white because their batch failed. */
  readonly missingTiles: number;
  /** The size of the PNG in bytes. */
  readonly bytes: number;
  /** The PNG in Base64. */
  readonly png: string;
}

/** Puts the tiles together and colours them. */
export async function handler(event: CombinerEvent): Promise<Picture> {
  const view = readView(event.parameters);
  const { width, height } = view;
  const colours = palette(view.maxIterations);
  const image = new PNG({ width, height }); // transparent, which becomes white in the file
  let drawn = 0;
  for await (const { state, result } of readResults(event)) {
    if (state !== 'succeeded') continue;
    const { first, tiles } = result as ComputedTiles;
    tiles.forEach((counts, i) => drawTile(image, tileAt(view, first + i), inflateSync(Buffer.from(counts, 'base64')), colours));
    drawn += tiles.length;
  }
  const file = PNG.sync.write(image, { colorType: 2 });
  return { width, height, missingTiles: tileCount(view) - drawn, bytes: file.length, png: file.toString('base64') };
}

function drawTile(image: PNG, tile: Tile, counts: Buffer, colours: readonly Colour[]): void {
  for (let row = 0; row < tile.height; row++) {
    for (let column = 0; column < tile.width; column++) {
      const [red, green, blue] = colours[counts.readUInt16LE((row * tile.width + column) * 2)];
      const at = ((tile.y + row) * image.width + tile.x + column) * 4;
      image.data[at] = red;
      image.data[at + 1] = green;
      image.data[at + 2] = blue;
      image.data[at + 3] = 255;
    }
  }
}
