package io.gyre.samples.data;

import java.util.Arrays;

/**
 * Shapes of the digits: pen strokes through points of the unit square (x to the right, y down), with a second variant
 * for some digits. A curved stroke follows a spline through its points; two strokes meet at a corner.
 *
 * @see <a href="https://doi.org/10.1016/B978-0-12-079050-0.50020-5">Catmull and Rom, A class of local interpolating
 *     splines, 1974</a>
 */
final class DigitStrokes {

    static final int DIGITS = 10;

    /** Number of straight segments between two points of a spline. */
    private static final int PIECES = 5;

    /** By digit, variant and stroke. Strokes of two points are straight. */
    private static final double[][][][] WAYS = {
        {
            {{.5, 0, .22, .12, .1, .5, .22, .88, .5, 1, .78, .88, .9, .5, .78, .12, .5, 0}},
            {{.62, 0, .25, .1, .12, .5, .25, .9, .55, 1, .85, .85, .88, .45, .78, .1, .45, .04}},
        },
        {
            {{.55, 0, .55, 1}},
            {{.25, .25, .58, 0}, {.58, 0, .58, 1}},
            {{.3, .22, .55, 0}, {.55, 0, .55, 1}, {.25, 1, .85, 1}},
        },
        {
            {{.12, .25, .25, .06, .5, 0, .8, .08, .85, .3, .65, .58, .1, 1}, {.1, 1, .92, 1}},
            {{.15, .2, .5, 0, .85, .25, .6, .65, .22, .97, .12, .85, .3, .8, .6, .95, .92, .95}},
        },
        {
            {
                {.12, .12, .45, 0, .8, .1, .82, .33, .65, .46, .38, .48},
                {.38, .48, .75, .54, .9, .75, .72, .95, .4, 1, .1, .88}
            },
            {{.12, 0, .85, 0}, {.85, 0, .42, .4}, {.42, .4, .8, .48, .9, .72, .72, .95, .4, 1, .1, .9}},
        },
        {
            {{.68, 0, .08, .68}, {.08, .68, .95, .68}, {.68, 0, .68, 1}},
            {{.2, 0, .12, .52}, {.12, .52, .9, .52}, {.75, .05, .7, 1}},
        },
        {
            {{.82, 0, .22, 0}, {.22, 0, .17, .44}, {.17, .44, .5, .36, .82, .48, .88, .7, .72, .94, .4, 1, .1, .9}},
        },
        {
            {{.75, .04, .4, .2, .18, .5, .14, .75, .28, .97, .55, 1, .82, .88, .84, .65, .65, .5, .38, .52, .17, .68}},
            {{.6, 0, .25, .35, .12, .7, .3, .97, .6, .98, .8, .8, .72, .6, .45, .56, .15, .72}},
        },
        {
            {{.1, 0, .9, 0}, {.9, 0, .4, 1}},
            {{.1, .05, .88, 0}, {.88, 0, .45, 1}, {.3, .5, .85, .5}},
        },
        {
            {
                {
                    .5, .47, .22, .36, .2, .12, .5, 0, .8, .12, .78, .36, .5, .47, .16, .62, .14, .88, .5, 1, .86, .88,
                    .84, .62, .5, .47
                }
            },
            {{.8, .12, .5, 0, .2, .14, .3, .36, .7, .6, .82, .82, .5, 1, .18, .84, .3, .6, .68, .38, .8, .12}},
        },
        {
            {{.82, .3, .62, .46, .35, .46, .17, .3, .25, .07, .5, 0, .76, .08, .83, .3, .8, .6, .68, .85, .5, 1}},
            {{.8, .1, .5, 0, .2, .12, .18, .36, .45, .5, .75, .36, .8, .1}, {.8, .1, .76, 1}},
        },
    };

    private DigitStrokes() {}

    /** Polylines of one variant of the digit: x, y, x, y, and so on. */
    static double[][] of(int digit, Noise noise) {
        double[][][] ways = WAYS[digit];
        return Arrays.stream(ways[noise.below(ways.length)])
                .map(DigitStrokes::polyline)
                .toArray(double[][]::new);
    }

    private static double[] polyline(double[] points) {
        int spans = points.length / 2 - 1;
        double[] line = new double[2 * (spans * PIECES + 1)];
        for (int span = 0; span < spans; span++) {
            for (int piece = 0; piece < PIECES; piece++) {
                int at = 2 * (span * PIECES + piece);
                line[at] = spline(points, span, 0, (double) piece / PIECES);
                line[at + 1] = spline(points, span, 1, (double) piece / PIECES);
            }
        }
        line[line.length - 2] = points[points.length - 2];
        line[line.length - 1] = points[points.length - 1];
        return line;
    }

    /** One coordinate at {@code t} in 0 to 1 between points {@code span} and {@code span + 1}; the ends count twice. */
    private static double spline(double[] points, int span, int coordinate, double t) {
        int last = points.length / 2 - 1;
        double before = points[2 * Math.max(0, span - 1) + coordinate];
        double from = points[2 * span + coordinate];
        double to = points[2 * (span + 1) + coordinate];
        double after = points[2 * Math.min(last, span + 2) + coordinate];
        return from
                + t
                        / 2
                        * (to
                                - before
                                + t
                                        * (2 * before
                                                - 5 * from
                                                + 4 * to
                                                - after
                                                + t * (3 * (from - to) + after - before)));
    }
}
