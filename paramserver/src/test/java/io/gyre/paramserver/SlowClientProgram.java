package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;

/** The program of the processes of {@link SlowClientTest}: two clients that read the same buffer, and a server. */
final class SlowClientProgram {

    static final int BYTES = 4 << 20;

    private static final byte[] NOTHING = {};
    private static final int SERVER = 2;

    private SlowClientProgram() {}

    public static void main(String[] arguments) {
        int rank = Integer.parseInt(arguments[0]);
        JoinOptions options = JoinOptions.builder(rank, SERVER + 1, arguments[1])
                .transport(TransportMode.UDP)
                .build();
        try (Session session = AeronSession.join(options);
                ParameterService service =
                        ParameterService.builder(session).servers(1).start()) {
            if (service.isServer()) {
                service.serve();
            } else {
                read(service);
            }
        }
    }

    private static void read(ParameterService service) {
        Session clients = service.workers();
        if (clients.world().isRoot()) {
            service.create("box", ElementType.FLOAT32, BYTES / Float.BYTES);
        }
        clients.exchange("created", NOTHING);
        SoftMemoryBox box = service.attach("box", ElementType.FLOAT32, BYTES / Float.BYTES);
        Region own = Region.allocate("own", BYTES);
        for (int i = 1; i <= 220; i++) {
            box.read(own);
            if (i % 20 == 0) {
                System.out.println("has read " + i + " times");
            }
        }
        clients.exchange("the end", NOTHING);
    }
}
