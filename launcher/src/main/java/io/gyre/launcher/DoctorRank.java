package io.gyre.launcher;

import io.gyre.session.Session;
import io.gyre.startup.HostFacts;
import io.gyre.startup.HostSpeed;
import io.gyre.startup.RankFacts;
import io.gyre.startup.StartupCheck;
import io.gyre.startup.StartupCheck.Links;
import io.gyre.startup.StartupTable;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.util.List;

/** What {@code gyre doctor --hosts} starts on each host: it prints what it finds in lines with a mark. */
final class DoctorRank {

    /** Of a process that tells about its host, alone. */
    static final String TELL = "tell";

    /** Of a rank that measures with the others. */
    static final String MEASURE = "measure";

    /** Begins each line of the table. */
    static final String MARK = "gyre-doctor ";

    private DoctorRank() {}

    /** Prints the facts about this host, or joins and measures. */
    public static void main(String[] arguments) {
        if (List.of(arguments).equals(List.of(MEASURE))) {
            measure();
        } else {
            RankFacts alone = new RankFacts(0, HostFacts.here(threads()), 0, new HostSpeed(0, 0));
            print(new StartupTable(List.of(alone), List.of()));
        }
    }

    private static void measure() {
        try (Session session = AeronSession.join(JoinOptions.fromEnvironment())) {
            StartupTable table = StartupCheck.run(session, threads(), Links.EVERY_PAIR);
            if (session.world().isRoot()) {
                print(table);
            }
        }
    }

    /** With which a rank would compute here: it has been started like one. */
    private static int threads() {
        String threads = System.getenv().getOrDefault("OMP_NUM_THREADS", "");
        return threads.matches("\\d{1,4}") ? Integer.parseInt(threads) : 0;
    }

    private static void print(StartupTable table) {
        table.text().lines().forEach(line -> System.out.println(MARK + line));
    }

    /**
     * The table among the lines of a rank.
     *
     * @param lines that it has printed, perhaps with others
     */
    static StartupTable read(List<String> lines) {
        StringBuilder text = new StringBuilder();
        for (String line : lines) {
            int mark = line.indexOf(MARK);
            if (mark >= 0) {
                text.append(line.substring(mark + MARK.length())).append('\n');
            }
        }
        return StartupTable.parse(text.toString());
    }
}
