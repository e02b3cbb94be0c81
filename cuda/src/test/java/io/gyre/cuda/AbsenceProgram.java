package io.gyre.cuda;

import io.gyre.device.DeviceException;
import io.gyre.device.DeviceProvider;

/** Prints why there is no device; twice, to check that the reason stays the same. */
final class AbsenceProgram {

    private AbsenceProgram() {}

    public static void main(String[] arguments) {
        if (arguments.length > 0) {
            System.load(arguments[0]);
        }
        DeviceProvider provider = DeviceProvider.all().get(0);
        String first = ask(provider);
        if (!first.equals(ask(provider))) {
            throw new AssertionError("another answer the second time");
        }
        System.out.println(first);
    }

    private static String ask(DeviceProvider provider) {
        try {
            provider.open();
            return "there is one";
        } catch (DeviceException e) {
            return e.reason() + " " + e.getMessage();
        }
    }
}
