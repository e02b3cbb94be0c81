package io.gyre.live;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.gyre.GyreException;
import io.gyre.runs.RunFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows one run in browsers, by the files of its directory: curves, log, and what each rank does. Read only.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>The JDK's HTTP server's own, and a daemon thread for each browser that watches, at most {@value #MOST_WATCHERS},
 *       and for short requests; from {@link #open} to {@link #close}.
 *   <dt>Failure
 *   <dd>A browser that goes away ends its own thread. Nothing here is seen by the training.
 * </dl>
 */
public final class LivePage implements AutoCloseable {

    /** Browsers that watch at the same time. */
    static final int MOST_WATCHERS = 16;

    private static final Logger LOG = LoggerFactory.getLogger(LivePage.class);
    private static final int MOST_THREADS = 2 * MOST_WATCHERS;
    private static final int IDLE_SECONDS = 10;
    private static final int CLOSE_SECONDS = 2;
    private static final long LOOK_MILLIS = 1_000;
    private static final String TEXT = "text/plain; charset=utf-8";
    private static final String CONTENT_POLICY = "default-src 'none'; script-src 'self'; style-src 'self';"
            + " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private final HttpServer server;
    private final ThreadPoolExecutor executor;
    private final LiveAccess access;
    private final RunFiles files;
    private final LiveAddress address;
    private final Map<String, LiveFile> page = LiveFile.all();
    private final Semaphore watchers = new Semaphore(MOST_WATCHERS);
    private final CountDownLatch closing = new CountDownLatch(1);

    private LivePage(RunFiles files, LiveAddress address, HttpServer server) {
        this.files = files;
        this.address = address;
        this.server = server;
        access = LiveAccess.of(address);
        executor = new ThreadPoolExecutor(
                MOST_THREADS, MOST_THREADS, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), work -> {
                    Thread thread = new Thread(work, "gyre-live");
                    thread.setDaemon(true);
                    return thread;
                });
        executor.allowCoreThreadTimeOut(true);
        server.setExecutor(executor);
        server.createContext("/", this::answer);
    }

    /**
     * Begins to show a run.
     *
     * @throws GyreException if the port is in use, or the address is not of this host
     */
    public static LivePage open(RunFiles files, LiveAddress address) {
        HttpServer server;
        try {
            server = HttpServer.create(address.socket(), 0);
        } catch (IOException e) {
            throw new GyreException(
                    "the live page cannot listen at port " + address.port() + " of "
                            + address.address().getHostAddress() + ": " + e.getMessage()
                            + ". Choose another port, or 0 for any that is free",
                    e);
        }
        LivePage opened = new LivePage(files, address, server);
        server.start();
        return opened;
    }

    /** Where a browser finds the page, with the token if it needs one. */
    public String url() {
        InetAddress bound = server.getAddress().getAddress();
        InetAddress named = bound.isAnyLocalAddress() ? localHost(bound) : bound;
        String host = named.getHostAddress().replaceFirst("%.*", "");
        return "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":"
                + server.getAddress().getPort() + "/" + access.query();
    }

    /** The port where it listens. */
    public int port() {
        return server.getAddress().getPort();
    }

    private static InetAddress localHost(InetAddress otherwise) {
        try {
            return InetAddress.getLocalHost();
        } catch (IOException e) {
            LOG.debug("the host has no name", e);
            return otherwise;
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            Headers headers = exchange.getResponseHeaders();
            headers.set("Content-Security-Policy", CONTENT_POLICY);
            headers.set("X-Content-Type-Options", "nosniff");
            headers.set("Referrer-Policy", "no-referrer");
            headers.set("Cross-Origin-Resource-Policy", "same-origin");
            headers.set("Cache-Control", "no-store");
            String refusal = access.refusal(exchange);
            if (refusal != null) {
                send(exchange, 403, TEXT, refusal);
            } else if (!exchange.getRequestMethod().equals("GET")) {
                headers.set("Allow", "GET");
                exchange.sendResponseHeaders(405, -1);
            } else {
                get(exchange, exchange.getRequestURI().getPath());
            }
        }
    }

    private void get(HttpExchange exchange, String path) throws IOException {
        LiveFile file = page.get(path);
        if (file != null) {
            send(exchange, 200, file.contentType(), file.bytes());
        } else if (path.equals("/snapshot")) {
            String now = RunView.json(new RunView(files, Clock.systemUTC()).look());
            send(exchange, 200, "application/json; charset=utf-8", now);
        } else if (path.equals("/events")) {
            stream(exchange);
        } else {
            send(exchange, 404, TEXT, "There is no such page.");
        }
    }

    private void stream(HttpExchange exchange) throws IOException {
        if (!watchers.tryAcquire()) {
            send(exchange, 503, TEXT, MOST_WATCHERS + " browsers watch this run already: close one of them.");
            return;
        }
        try {
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream; charset=utf-8");
            exchange.sendResponseHeaders(200, 0);
            follow(exchange.getResponseBody());
        } catch (IOException gone) {
            LOG.debug("a browser has gone away", gone);
        } catch (InterruptedException e) {
            LOG.debug("the page is closed", e);
        } finally {
            watchers.release();
        }
    }

    /** As long as the run is under way: a run that has ended, or a page that is closed, is shown once more. */
    private void follow(OutputStream out) throws IOException, InterruptedException {
        RunView view = new RunView(files, Clock.systemUTC());
        boolean last = false;
        while (!last) {
            boolean closed = closing.await(0, TimeUnit.MILLISECONDS);
            RunView.News news = view.look();
            event(out, "news", RunView.json(news));
            last = closed || news.isLast();
            if (!last) {
                closing.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            }
        }
        event(out, "end", "{}");
    }

    private static void event(OutputStream out, String name, String data) throws IOException {
        out.write(("event: " + name + "\ndata: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private static void send(HttpExchange exchange, int status, String contentType, String text) throws IOException {
        send(exchange, status, contentType, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void send(HttpExchange exchange, int status, String contentType, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", contentType);
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    /** Waits until another thread closes the page. */
    void awaitClosed() throws InterruptedException {
        closing.await();
    }

    /** Shows what there is once more to those that watch, and ends. A second call does nothing. */
    @Override
    public void close() {
        if (closing.getCount() > 0) {
            closing.countDown();
            server.stop(watchers.availablePermits() == MOST_WATCHERS ? 0 : CLOSE_SECONDS);
            executor.shutdownNow();
        }
    }

    @Override
    public String toString() {
        return "page of " + files.directory() + " at port " + port() + " of " + address.address();
    }
}
