package io.gyre.paramserver;

import io.gyre.ProtocolException;
import java.util.Locale;

/** What a client asks of a server. The code is its value on the wire and never changes. */
enum Operation {
    CREATE(1),
    ATTACH(2),
    FREE(3),
    READ(4),
    WRITE(5),
    ACCUMULATE(6),
    AWAIT(7),
    PUSH(8),
    PULL(9),
    FINISH(10),
    RESUME(11),
    STALENESS(12),
    LEAVE(13),
    FETCH_AND_ADD(14),
    REJOIN(15);

    private static final Operation[] BY_CODE = values();
    private final int code;

    Operation(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    static Operation of(int code) {
        if (code < 1 || code > BY_CODE.length) {
            throw new ProtocolException("a request of unknown kind " + code);
        }
        return BY_CODE[code - 1];
    }

    /** Whether it changes what the server holds, and must therefore happen once. */
    boolean isChange() {
        return carriesData() || this == FETCH_AND_ADD;
    }

    /** Whether data go with the request. */
    boolean carriesData() {
        return this == WRITE || this == ACCUMULATE || this == PUSH;
    }

    /** In words, for errors. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
