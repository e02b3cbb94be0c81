package io.gyre.launcher;

import io.gyre.PeerLostException;
import io.gyre.session.Session;
import io.gyre.signals.GracefulStop;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The program of the tests' ranks: the first argument says what to do, the others are its arguments. */
final class RankProgram {

    private RankProgram() {}

    public static void main(String[] arguments) throws InterruptedException {
        int rank = Integer.parseInt(System.getenv("GYRE_RANK"));
        String argument = arguments.length > 1 ? arguments[1] : "";
        switch (arguments[0]) {
            case "arguments" -> {
                for (int i = 1; i < arguments.length; i++) {
                    System.out.println(arguments[i].replace("\n", "\\n"));
                }
            }
            case "environment" -> System.getenv().forEach((name, value) -> System.out.println(name + "=" + value));
            case "lines" -> {
                lines(System.out, "out " + rank, Integer.parseInt(argument));
                lines(System.err, "err " + rank, Integer.parseInt(argument));
            }
            case "fail" -> {
                if (rank == Integer.parseInt(argument)) {
                    System.err.println("about to fail");
                    System.exit(7);
                }
                waitForEver();
            }
            case "stubborn" -> {
                Runtime.getRuntime().addShutdownHook(new Thread(RankProgram::waitUninterruptibly));
                waitForEver();
            }
            case "orderly" -> endInOrder(Path.of(argument));
            case "wait" -> waitForEver();
            case "slow to speak" -> speakSlowly(rank);
            case "unaware" -> {
                try (Session session = AeronSession.join(JoinOptions.fromEnvironment())) {
                    session.exchange("started", new byte[0]);
                    waitForEver();
                }
            }
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    /** As on a busy host, where that takes longer than a launcher waits for ranks that report nothing. */
    private static void speakSlowly(int rank) throws InterruptedException {
        try (Session session = AeronSession.join(JoinOptions.fromEnvironment())) {
            if (rank == session.world().size() - 1) {
                waitForEver();
            }
            System.out.println("ready " + ProcessHandle.current().pid());
            session.exchange("for ever", new byte[0]);
        } catch (PeerLostException e) {
            new CountDownLatch(1).await(2 + rank, TimeUnit.SECONDS);
            System.err.println("at last: " + e.getMessage());
            System.exit(1);
        }
    }

    /** Lines too long for a pipe to take in one piece. */
    private static void lines(PrintStream stream, String start, int count) {
        for (int i = 0; i < count; i++) {
            stream.print(start + " begins ");
            stream.print("x".repeat(5000));
            stream.println(" " + i + " ends");
        }
    }

    /** Once it is told to end, continues until a file exists, as if it wrote a checkpoint. */
    private static void endInOrder(Path mayEnd) throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(1);
        try (GracefulStop stop = GracefulStop.onTermination(asked::countDown)) {
            System.out.println("ready " + ProcessHandle.current().pid());
            asked.await();
            System.out.println("asked by " + stop.signal().orElseThrow());
        }
        while (!Files.exists(mayEnd)) {
            LockSupport.parkNanos(5_000_000);
        }
        System.out.println("ended in order");
    }

    private static void waitForEver() throws InterruptedException {
        System.out.println("ready " + ProcessHandle.current().pid());
        new CountDownLatch(1).await();
    }

    private static void waitUninterruptibly() {
        CountDownLatch never = new CountDownLatch(1);
        try {
            never.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
