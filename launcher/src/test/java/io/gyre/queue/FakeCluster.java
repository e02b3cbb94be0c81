package io.gyre.queue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * As much of a Kubernetes API server as {@code kubectl apply} asks for: what it serves, and that it checks the fields
 * of what it is given itself. It keeps what is created.
 */
final class FakeCluster implements AutoCloseable {

    private static final String NOT_FOUND =
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"NotFound\",\"code\":404}";

    private static final Map<String, String> DOCUMENTS = Map.of(
            "/api",
            "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"]}",
            "/apis",
            "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[{\"name\":\"batch\",\"versions\":["
                    + version() + "],\"preferredVersion\":" + version() + "}]}",
            "/api/v1",
            resources("v1", "services", "Service"),
            "/apis/batch/v1",
            resources("batch/v1", "jobs", "Job"),
            "/openapi/v3",
            "{\"paths\":{\"api/v1\":{\"serverRelativeURL\":\"/openapi/v3/api/v1\"},"
                    + "\"apis/batch/v1\":{\"serverRelativeURL\":\"/openapi/v3/apis/batch/v1\"}}}",
            "/openapi/v3/api/v1",
            checksFields("/api/v1/namespaces/{namespace}/services/{name}", "", "Service"),
            "/openapi/v3/apis/batch/v1",
            checksFields("/apis/batch/v1/namespaces/{namespace}/jobs/{name}", "batch", "Job"));

    private final HttpServer server;
    private final ConcurrentLinkedQueue<String> paths = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<JsonNode> created = new ConcurrentLinkedQueue<>();

    FakeCluster() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    private static String version() {
        return "{\"groupVersion\":\"batch/v1\",\"version\":\"v1\"}";
    }

    private static String resources(String version, String name, String kind) {
        return ("{\"kind\":\"APIResourceList\",\"groupVersion\":\"%s\",\"resources\":[{\"name\":\"%s\","
                        + "\"singularName\":\"\",\"namespaced\":true,\"kind\":\"%s\",\"verbs\":[\"create\",\"get\"]}]}")
                .formatted(version, name, kind);
    }

    private static String checksFields(String path, String group, String kind) {
        return ("{\"openapi\":\"3.0.0\",\"info\":{\"title\":\"a\",\"version\":\"1\"},\"paths\":{\"%s\":{\"patch\":{"
                        + "\"parameters\":[{\"name\":\"fieldValidation\",\"in\":\"query\"}],\"responses\":{},"
                        + "\"x-kubernetes-group-version-kind\":"
                        + "{\"group\":\"%s\",\"version\":\"v1\",\"kind\":\"%s\"}}}}}")
                .formatted(path, group, kind);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            String path = exchange.getRequestURI().getPath();
            if (exchange.getRequestMethod().equals("POST")) {
                paths.add(path);
                created.add(new ObjectMapper().readTree(body));
                send(exchange, 201, body);
            } else {
                String document = DOCUMENTS.get(path);
                send(exchange, document == null ? 404 : 200, document == null ? NOT_FOUND : document);
            }
        }
    }

    private static void send(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    /** Writes what kubectl is to read to find this cluster. */
    void describe(Path file, String namespace) throws IOException {
        Files.writeString(file, """
                apiVersion: v1
                kind: Config
                clusters: [{name: a, cluster: {server: "http://127.0.0.1:%d"}}]
                contexts: [{name: a, context: {cluster: a, namespace: %s}}]
                current-context: a
                """.formatted(server.getAddress().getPort(), namespace));
    }

    /** Where something was created, in order. */
    List<String> paths() {
        return List.copyOf(paths);
    }

    /** What was created. */
    List<JsonNode> created() {
        return List.copyOf(created);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
