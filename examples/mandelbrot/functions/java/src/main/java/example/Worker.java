package example;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.zip.DeflaterOutputStream;

/** The worker of the Mandelbrot example in Java: the same counts as ../node/worker.ts, to the last one. Lambda's runtime alone is enough for it. */
public final class Worker {
    private static final int TILE = 64; // as in ../node/tiles.ts

    /** Computes the tiles of a range; what it returns is the result of the batch. */
    public Map<String, Object> handle(Map<String, Object> event) throws IOException {
        View view = View.of((Map<?, ?>) event.get("parameters"));
        Map<?, ?> range = (Map<?, ?>) event.get("range");
        int start = whole(range.get("start"));
        List<String> tiles = new ArrayList<>();
        for (int index = start; index < whole(range.get("end")); index++) {
            tiles.add(Base64.getEncoder().encodeToString(deflated(countsOf(view, index))));
        }
        return Map.of("first", start, "tiles", tiles);
    }

    /** The iteration counts of a tile, row by row, two bytes each, low byte first. Tiles are numbered from 0, row by row, too. */
    private static byte[] countsOf(View view, int index) {
        int columns = (view.width + TILE - 1) / TILE;
        int left = index % columns * TILE;
        int top = index / columns * TILE;
        int right = Math.min(left + TILE, view.width);
        int bottom = Math.min(top + TILE, view.height);
        ByteBuffer counts = ByteBuffer.allocate((right - left) * (bottom - top) * 2).order(ByteOrder.LITTLE_ENDIAN);
        for (int y = top; y < bottom; y++) {
            for (int x = left; x < right; x++) {
                counts.putShort((short) iterations(view, x, y));
            }
        }
        return counts.array();
    }

    /** How often z -> z * z + c can be repeated for a pixel before |z| exceeds 2; at most maxIterations. */
    private static int iterations(View view, int x, int y) {
        double step = view.scale / view.width;
        double re = view.re + (x + 0.5 - view.width / 2.0) * step;
        double im = view.im - (y + 0.5 - view.height / 2.0) * step;
        double a = 0;
        double b = 0;
        int count = 0;
        while (count < view.maxIterations) {
            double aa = a * a;
            double bb = b * b;
            if (aa + bb > 4) {
                break;
            }
            b = 2 * a * b + im;
            a = aa - bb + re;
            count++;
        }
        return count;
    }

    private static byte[] deflated(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(out)) {
            deflater.write(bytes);
        }
        return out.toByteArray();
    }

    private static int whole(Object number) {
        return ((Number) number).intValue();
    }

    /** What to draw: the parameters of a job. */
    private record View(int width, int height, double re, double im, double scale, int maxIterations) {
        static View of(Map<?, ?> parameters) {
            List<?> center = (List<?>) parameters.get("center");
            return new View(whole(parameters.get("width")), whole(parameters.get("height")), real(center.get(0)), real(center.get(1)),
                real(parameters.get("scale")), whole(parameters.get("maxIterations")));
        }

        private static double real(Object number) {
            return ((Number) number).doubleValue();
        }
    }
}
