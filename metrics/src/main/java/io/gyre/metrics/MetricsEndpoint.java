package io.gyre.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.gyre.GyreException;
import io.gyre.OptionRange;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves a registry to Prometheus at {@code http://127.0.0.1:PORT/metrics}, to programs of this host only: whoever may
 * start one may read it.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>A daemon thread that answers, and the JDK's HTTP server's own, from {@link #open} to {@link #close}.
 *   <dt>Ownership
 *   <dd>The registry is borrowed.
 * </dl>
 */
public final class MetricsEndpoint implements AutoCloseable {

    /** The format that Prometheus reads in every version. */
    private static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final String PATH = "/metrics";
    private static final Logger LOG = LoggerFactory.getLogger(MetricsEndpoint.class);

    private final HttpServer server;
    private final ExecutorService executor;

    private MetricsEndpoint(HttpServer server, ExecutorService executor) {
        this.server = server;
        this.executor = executor;
    }

    /**
     * Starts to serve.
     *
     * @param port on loopback; 0 for any that is free. Ranks on one host need one each
     * @throws GyreException if the port is in use
     */
    public static MetricsEndpoint open(PrometheusMeterRegistry registry, int port) {
        OptionRange.check("port of the metrics", port, 0, 65_535);
        HttpServer server;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        } catch (IOException e) {
            throw new GyreException(
                    "metrics cannot be served at port " + port + " of this host: " + e.getMessage()
                            + ". Choose a free port, one for each rank on a host, or 0 for any",
                    e);
        }
        ExecutorService executor = Executors.newSingleThreadExecutor(work -> {
            Thread thread = new Thread(work, "gyre-metrics");
            thread.setDaemon(true);
            return thread;
        });
        server.setExecutor(executor);
        server.createContext("/", exchange -> answer(exchange, registry));
        server.start();
        MetricsEndpoint endpoint = new MetricsEndpoint(server, executor);
        LOG.info("metrics are served at http://127.0.0.1:{}{}", endpoint.port(), PATH);
        return endpoint;
    }

    private static void answer(HttpExchange exchange, PrometheusMeterRegistry registry) throws IOException {
        try (exchange) {
            if (!exchange.getRequestURI().getPath().equals(PATH)) {
                exchange.sendResponseHeaders(404, -1);
            } else if (!exchange.getRequestMethod().equals("GET")) {
                exchange.getResponseHeaders().set("Allow", "GET");
                exchange.sendResponseHeaders(405, -1);
            } else {
                byte[] text = registry.scrape(CONTENT_TYPE).getBytes(StandardCharsets.UTF_8);
                exchange.getResponseHeaders().set("Content-Type", CONTENT_TYPE);
                exchange.sendResponseHeaders(200, text.length);
                exchange.getResponseBody().write(text);
            }
        }
    }

    /** The port where it listens. */
    public int port() {
        return server.getAddress().getPort();
    }

    /** Ends the service, also in the middle of an answer. A second call does nothing. */
    @Override
    public void close() {
        server.stop(0);
        executor.shutdownNow();
    }
}
