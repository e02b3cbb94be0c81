package io.gyre.dl4j;

import io.gyre.GyreException;
import java.util.HashMap;
import java.util.Map;

/**
 * Progress of a run: what a rank needs, besides the model's state, to continue from here.
 *
 * <p>A program may call {@code fit} several times. When it is restarted after a crash, it makes the same calls again;
 * the first {@code callsDone} of them then have nothing to do, and the next continues.
 *
 * @param step optimiser steps so far
 * @param epoch passes over the data so far
 * @param position position in the current pass, see {@link ShardedData#advance}
 * @param mark {@link Share#mark} of what was read before that position
 * @param data description of the data of that position, see {@link ShardedData#description}; empty at the start of a
 *     run
 * @param callsDone calls of {@code fit} that have returned
 * @param callStep step at which the current call began
 * @param callEpoch epoch at which the current call began
 */
record Progress(
        int step, int epoch, long position, long mark, String data, int callsDone, int callStep, int callEpoch) {

    private static final int LONGEST_SHOWN = 40;

    static Progress start(int step, int epoch) {
        return new Progress(step, epoch, 0, 0, "", 0, step, epoch);
    }

    Progress atStep(int newStep) {
        return new Progress(newStep, epoch, position, mark, data, callsDone, callStep, callEpoch);
    }

    Progress afterStep(int newStep, long newPosition, long newMark) {
        return new Progress(newStep, epoch, newPosition, newMark, data, callsDone, callStep, callEpoch);
    }

    Progress afterEpoch() {
        return new Progress(step, epoch + 1, 0, 0, data, callsDone, callStep, callEpoch);
    }

    /** The progress at the beginning of other data. */
    Progress atBeginningOf(String description) {
        return new Progress(step, epoch, 0, 0, description, callsDone, callStep, callEpoch);
    }

    Place place() {
        return new Place(epoch, position, mark);
    }

    Progress beginCall(int nowStep, int nowEpoch) {
        return new Progress(nowStep, nowEpoch, position, mark, data, callsDone, nowStep, nowEpoch);
    }

    Progress afterCall() {
        return new Progress(step, epoch, position, mark, data, callsDone + 1, callStep, callEpoch);
    }

    /** Lines of name, tab, value. */
    String text() {
        return "step\t" + step + "\nepoch\t" + epoch + "\nposition\t" + position + "\nmark\t" + mark + "\ndata\t" + data
                + "\ncallsDone\t" + callsDone + "\ncallStep\t" + callStep + "\ncallEpoch\t" + callEpoch + "\n";
    }

    /**
     * Reads {@link #text}; ignores other lines.
     *
     * @throws GyreException if a number is missing, or is negative and counts something
     */
    static Progress parse(String text) {
        Map<String, String> values = new HashMap<>();
        text.lines().map(line -> line.split("\t", 2)).forEach(line -> values.put(line[0], line[line.length - 1]));
        return new Progress(
                count(values, "step"),
                count(values, "epoch"),
                number(values, "position", 0, Long.MAX_VALUE),
                number(values, "mark", Long.MIN_VALUE, Long.MAX_VALUE),
                values.getOrDefault("data", ""),
                count(values, "callsDone"),
                count(values, "callStep"),
                count(values, "callEpoch"));
    }

    private static int count(Map<String, String> values, String name) {
        return (int) number(values, name, 0, Integer.MAX_VALUE);
    }

    private static long number(Map<String, String> values, String name, long least, long most) {
        String text = values.getOrDefault(name, "");
        try {
            long number = Long.parseLong(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw wrong(name, text, least, most);
        }
        throw wrong(name, text, least, most);
    }

    private static GyreException wrong(String name, String text, long least, long most) {
        return new GyreException("not the progress of a run: its " + name + " is '"
                + text.substring(0, Math.min(text.length(), LONGEST_SHOWN)) + "', expected a number from " + least
                + " to " + most);
    }
}
