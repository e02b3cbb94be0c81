package io.gyre.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.GyreException;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunPlan;
import io.gyre.runs.RunState;
import io.gyre.runs.RunWriter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class LivePageTest {

    private final HttpClient client = HttpClient.newHttpClient();

    @TempDir
    private Path parent;

    private RunFiles files;
    private RunWriter writer;
    private LivePage page;

    @BeforeEach
    void beginARun() throws IOException {
        files = new RunFiles(parent.resolve("a"));
        RunPlan plan = new RunPlan(null, List.of("train"), Map.of("model", "mlp"), List.of("ant", "bee"), false);
        writer = RunWriter.open(files, plan, false);
        writer.begin(0);
        writer.stepDone(1, 1, 0.5, 10);
        Files.writeString(files.log(), "hello\n");
        page = LivePage.open(files, LiveAddress.loopback(0));
    }

    @AfterEach
    void close() {
        page.close();
        writer.close();
    }

    private HttpResponse<String> get(String path, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(at(path));
        return client.send((headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString());
    }

    private URI at(String path) {
        return URI.create("http://127.0.0.1:" + page.port() + path);
    }

    @Test
    void thePageAndAllThatItNamesAreServedFromHere() throws Exception {
        HttpResponse<String> html = get("/");
        assertThat(html.statusCode()).isEqualTo(200);
        assertThat(html.headers().firstValue("Content-Security-Policy").orElse(""))
                .startsWith("default-src 'none'; script-src 'self'");
        assertThat(html.body()).doesNotContain("http:").doesNotContain("https:");
        for (String name : List.of("uPlot.min.css", "live.css", "uPlot.iife.min.js", "live.js")) {
            assertThat(html.body()).contains("\"" + name + "\"");
            assertThat(get("/" + name).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void aSnapshotHasRecordCurvesAndLog() throws Exception {
        JsonNode news = new ObjectMapper().readTree(get("/snapshot").body());
        assertThat(news.path("state").asText()).isEqualTo("running");
        assertThat(news.path("record").path("hosts").size()).isEqualTo(2);
        assertThat(news.path("metrics").get(0).path("loss").asDouble()).isEqualTo(0.5);
        assertThat(news.path("log").get(0).asText()).isEqualTo("hello");
    }

    @Test
    void aStreamShowsWhatFollowsAndEndsWithTheRun() throws Exception {
        HttpResponse<Stream<String>> answer =
                client.send(HttpRequest.newBuilder(at("/events")).build(), BodyHandlers.ofLines());
        assertThat(answer.headers().firstValue("Content-Type").orElse("")).startsWith("text/event-stream");
        var lines = answer.body().iterator();
        assertThat(lines.next()).isEqualTo("event: news");
        assertThat(lines.next()).startsWith("data: {").contains("\"running\"", "\"loss\":0.5", "hello");
        writer.end(RunState.COMPLETE, 1, 10, 1, Map.of());
        String all = "";
        while (lines.hasNext()) {
            all += lines.next() + "\n";
        }
        assertThat(all).contains("\"complete\"").endsWith("event: end\ndata: {}\n\n");
        assertThat(all).as("only what is new").doesNotContain("hello");
    }

    @Test
    void aPageThatIsClosedEndsItsStreamsInOrderAndClosesTwice() throws Exception {
        HttpResponse<Stream<String>> answer =
                client.send(HttpRequest.newBuilder(at("/events")).build(), BodyHandlers.ofLines());
        var lines = answer.body().iterator();
        assertThat(lines.next()).isEqualTo("event: news");
        page.close();
        page.close();
        String end = "";
        while (lines.hasNext()) {
            String line = lines.next();
            end = line.startsWith("event") ? line : end;
        }
        assertThat(end).isEqualTo("event: end");
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "DELETE", "HEAD", "OPTIONS"})
    void nothingButGetIsAnswered(String method) throws Exception {
        HttpResponse<String> answer = client.send(
                HttpRequest.newBuilder(at("/"))
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .build(),
                BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(405);
        assertThat(answer.headers().firstValue("Allow")).contains("GET");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/run.json",
                "/../run.json",
                "/%2e%2e/%2e%2e/etc/passwd",
                "//etc/passwd",
                "/live.js/..",
                "/uPlot-LICENSE",
                "/live.js%00"
            })
    void noOtherFileIsServed(String path) throws Exception {
        assertThat(raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 4");
    }

    /** As sent, which an HTTP client would not do. */
    private String raw(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), page.port())) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            return String.valueOf(in.readLine());
        }
    }

    @Test
    void onLoopbackOnlyNamesOfLoopbackAreAnswered() throws Exception {
        for (String host : List.of("localhost", "127.0.0.1:9", "[::1]:9", "localhost:" + page.port())) {
            assertThat(raw("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"))
                    .as(host)
                    .contains("200");
        }
        for (String host : List.of("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "")) {
            assertThat(raw("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"))
                    .as(host)
                    .contains("403");
        }
        assertThat(raw("GET / HTTP/1.0\r\n\r\n")).contains("403");
    }

    @Test
    void elsewhereOnlyTheTokenOpensThePageAndItsCookieTheRest() throws Exception {
        page.close();
        page = LivePage.open(files, LiveAddress.of("--bind", "0.0.0.0", 0));
        String token = page.url().replaceFirst(".*token=", "");
        assertThat(token).hasSize(32);
        assertThat(get("/").statusCode()).isEqualTo(403);
        assertThat(get("/snapshot?token=" + "0".repeat(32)).statusCode()).isEqualTo(403);
        assertThat(get("/snapshot?token=").statusCode()).isEqualTo(403);
        HttpResponse<String> opened = get("/?token=" + token);
        assertThat(opened.statusCode()).isEqualTo(200);
        String cookie = opened.headers().firstValue("Set-Cookie").orElse("");
        assertThat(cookie).contains("HttpOnly", "SameSite=Strict");
        assertThat(get("/snapshot", "Cookie", "x=1; " + cookie.replaceFirst(";.*", ""))
                        .statusCode())
                .isEqualTo(200);
        assertThat(get("/snapshot", "Cookie", cookie.replaceFirst("=.*", "=1")).statusCode())
                .isEqualTo(403);
    }

    @Test
    void aPortInUseIsOneError() {
        assertThatThrownBy(() -> LivePage.open(files, LiveAddress.loopback(page.port())))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("port " + page.port())
                .hasMessageContaining("Choose another port");
    }

    @Test
    void aDirectoryThatVanishesIsSaid() throws Exception {
        writer.close();
        try (Stream<Path> all = Files.walk(files.directory())) {
            for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
        HttpResponse<String> answer = get("/snapshot");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).contains("there is no run");
    }

    @Test
    void aDamagedReportOfARankIsSaidAndTheRestShown() throws Exception {
        Files.createDirectories(files.ranks());
        Files.writeString(files.rank(0), "{\"rank\":0");
        Files.writeString(files.rank(1), "{}");
        assertThat(get("/snapshot").body()).contains("rank-0.json is damaged", "rank-1.json is damaged", "hello");
    }
}
