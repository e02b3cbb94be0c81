"use strict";
// Shows one run: the server sends what has changed in its directory. Texts are set as text, never as HTML.

const LOG_LINES = 300;
const SILENT_SECONDS = 5;
const byId = (id) => document.getElementById(id);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const number = (value) => Math.abs(value) >= 1000
  ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(4)));

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// One chart: a figure that appears with its first value.
class Chart {
  constructor(title, x, series) {
    this.title = title;
    this.x = x;
    this.series = series;
    this.data = [[], ...series.map(() => [])];
  }

  show() {
    if (!this.data[0].length) return;
    if (!this.figure) {
      this.figure = element("figure");
      this.caption = element("figcaption");
      this.holder = element("div");
      this.figure.append(this.caption, this.holder);
      byId("curves").append(this.figure);
      new ResizeObserver(() => this.fit()).observe(this.holder);
    }
    const last = this.series.map((each, i) => {
      const values = this.data[i + 1].filter((value) => value !== null);
      return values.length ? `${each} ${number(values[values.length - 1])}` : "";
    }).filter(Boolean).join(", ");
    this.caption.textContent = this.title + " ";
    this.caption.append(element("span", last));
    this.figure.setAttribute("role", "img");
    this.figure.setAttribute("aria-label", `${this.title}: now ${last}`);
    if (this.plot) this.plot.setData(this.data); else this.draw();
  }

  draw() {
    if (this.plot) this.plot.destroy();
    const axis = { stroke: color("--dim"), grid: { stroke: color("--line"), width: 1 } };
    this.plot = new uPlot({
      width: Math.max(200, this.holder.clientWidth), height: 200,
      scales: { x: { time: false } },
      axes: [{ ...axis, label: this.x, labelSize: 18, size: 34 }, { ...axis, size: 62 }],
      series: [{ label: this.x }, ...this.series.map((label, i) => ({
        label, stroke: color(i ? "--b" : "--a"), width: 1.5, dash: i ? [5, 3] : undefined, spanGaps: true,
        points: { show: this.data[0].length < 3 },
      }))],
    }, this.data, this.holder);
  }

  fit() {
    if (this.plot) this.plot.setSize({ width: Math.max(200, this.holder.clientWidth), height: 200 });
  }

  clear() { this.data.forEach((values) => { values.length = 0; }); }
}

const curves = {
  loss: new Chart("Loss", "step", ["loss"]),
  examples_per_second: new Chart("Throughput", "step", ["examples/s"]),
  accuracy: new Chart("Accuracy on what is held out", "step", ["accuracy"]),
  bits_per_character: new Chart("Bits per character on what is held out", "step", ["bits"]),
};
const exchange = new Chart("Exchange per step, of the first rank", "seconds", ["exposed ms", "hidden ms"]);
const staleness = new Chart("Greatest staleness", "seconds", ["steps"]);
const charts = [...Object.values(curves), exchange, staleness];
let last = {};
let log = [];
let membership = [];

function addMetrics(lines) {
  for (const line of lines) {
    last = { ...last, ...line };
    for (const [name, chart] of Object.entries(curves)) {
      if (name in line) {
        chart.data[0].push(line.step);
        chart.data[1].push(line[name]);
      }
    }
  }
}

function addHistory(history) {
  exchange.clear();
  staleness.clear();
  let seconds = 0;
  for (const column of history) {
    seconds += column.seconds;
    if (column.steps) {
      exchange.data[0].push(seconds);
      exchange.data[1].push(column.exposed_ms);
      exchange.data[2].push(column.hidden_ms);
    }
    if (column.staleness >= 0) {
      staleness.data[0].push(seconds);
      staleness.data[1].push(column.staleness);
    }
  }
}

function now(rank) {
  const state = rank.state;
  if (state.failure) return ["failed: " + state.failure, true];
  if (state.ended) return ["ended", false];
  if (rank.silent_seconds > SILENT_SECONDS) {
    return [`silent for ${Math.round(rank.silent_seconds)} s: its process is stopped or lost`, true];
  }
  const wait = state.waiting;
  if (!wait) return ["", false];
  const whom = wait.rank < 0 ? "others" : "rank " + wait.rank;
  return [`waits for ${whom} in ${wait.operation}, ${wait.seconds.toFixed(1)} s`, wait.seconds > SILENT_SECONDS];
}

// A strip of the whole run: the darker, the longer the rank waited; a number names the rank that it waited for.
function strip(canvas, history) {
  const scale = window.devicePixelRatio || 1;
  const width = 288 * scale, height = 20 * scale;
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  const whole = history.reduce((sum, column) => sum + column.seconds, 0) || 1;
  let from = 0;
  for (const column of history) {
    const to = from + column.seconds / whole * width;
    pen.fillStyle = `rgba(${color("--hot")}, ${column.waited})`;
    pen.fillRect(from, 0, Math.max(1, to - from), height);
    from = to;
  }
}

function mostly(waited) {
  const most = Object.entries(waited).sort((a, b) => b[1] - a[1])[0];
  return most ? `rank ${most[0]} (${number(most[1])} s)` : "-";
}

function row(rank) {
  const state = rank.state;
  const line = element("tr");
  const seconds = state.history.reduce((sum, column) => sum + column.seconds, 0);
  const waited = state.history.reduce((sum, column) => sum + column.seconds * column.waited, 0);
  const share = seconds ? Math.round(100 * waited / seconds) + " %" : "-";
  const [text, bad] = now(rank);
  const memory = state.resident_bytes || state.heap_bytes;
  for (const cell of [state.rank, `${state.host} (${state.pid})`, state.step < 0 ? "-" : state.step.toLocaleString("en"),
    state.phase || "-", share, mostly(state.waited_seconds), memory ? Math.round(memory / 1048576) + " MiB" : "-"]) {
    line.append(element("td", cell));
  }
  line.append(element("td", text, bad ? "bad" : ""));
  const canvas = element("canvas", undefined, "strip");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `rank ${state.rank} waited ${share} of the time, mostly for ${mostly(state.waited_seconds)}`);
  const cell = element("td");
  cell.append(canvas);
  line.append(cell);
  strip(canvas, state.history);
  return line;
}

let shownStalls = "";
function showStalls(news) {
  const parts = [];
  if (news.problem) parts.push(["Cannot be shown", news.problem]);
  if (news.record && news.record.failure) parts.push(["The run failed", news.record.failure]);
  for (const { state } of news.ranks) {
    if (state.stall) {
      parts.push([`Rank ${state.rank} ${state.stall.over ? "stalled in" : "stalls in"} step ${state.stall.step}`
        + (state.stall.over ? ", and goes on" : ""), state.stall.report]);
    }
    if (state.failure) parts.push([`Rank ${state.rank} failed`, state.failure]);
  }
  const text = JSON.stringify(parts);
  if (text === shownStalls) return;
  shownStalls = text;
  byId("stalls").replaceChildren(...parts.map(([title, report]) => {
    const article = element("article");
    article.append(element("h2", title), element("pre", report));
    return article;
  }));
}

function showMembers(news) {
  const hosts = news.record ? news.record.hosts : [];
  const lines = hosts.map((host, rank) => `rank ${rank} on ${host}`);
  for (const { state } of news.ranks) {
    for (const line of state.news) lines.push(`seen by rank ${state.rank}: ${line}`);
  }
  membership = membership.concat(news.membership).slice(-LOG_LINES);
  lines.push(...membership);
  byId("members").replaceChildren(...lines.map((line) => element("li", line)));
}

function show(news) {
  if (news.anew) {
    Object.values(curves).forEach((chart) => chart.clear());
    last = {};
  }
  addMetrics(news.metrics);
  if (news.ranks.length) addHistory(news.ranks[0].state.history);
  charts.forEach((chart) => chart.show());
  const record = news.record;
  if (record) {
    const setup = record.setup;
    document.title = `${record.name}: ${news.state} - Gyre`;
    byId("name").textContent = record.name;
    // A program of a user's own says what it likes of its setup.
    byId("setup").textContent = [setup.model, setup.data && `on ${setup.data}`, `${record.hosts.length} ranks`,
      setup.strategy, setup.batch && `batch ${setup.batch}`, setup.precision, `in ${news.directory}`]
      .filter(Boolean).join(", ");
    const seen = news.ranks.length;
    byId("ranks-note").textContent = seen === record.hosts.length ? ""
      : `${seen} of ${record.hosts.length} ranks can be seen from here: the others have not begun, or their hosts do not`
        + " share the run directory.";
  }
  byId("state").textContent = news.state || "unknown";
  byId("progress").textContent = last.step
    ? `step ${last.step.toLocaleString("en")}, epoch ${last.epoch}, ${Math.round(last.seconds)} s` : "";
  byId("ranks").replaceChildren(...news.ranks.map(row));
  showStalls(news);
  showMembers(news);
  if (news.log.length) {
    const pre = byId("log");
    const atEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 4;
    log = log.concat(news.log).slice(-LOG_LINES);
    pre.textContent = log.join("\n");
    if (atEnd) pre.scrollTop = pre.scrollHeight;
  }
}

const watch = (text) => { if (byId("watch").textContent !== text) byId("watch").textContent = text; };
matchMedia("(prefers-color-scheme: dark)").addEventListener("change",
  () => charts.forEach((chart) => { if (chart.plot) chart.draw(); }));

// Without a stream, for a picture: ?static. The page is loaded only when all is drawn, for a browser without a window.
if (new URLSearchParams(location.search).has("static")) {
  const snapshot = new XMLHttpRequest();
  snapshot.open("GET", "snapshot", false);
  snapshot.send();
  show(JSON.parse(snapshot.responseText));
  watch("as of now");
} else {
  let fresh = false;
  const stream = new EventSource("events");
  stream.addEventListener("open", () => { fresh = true; watch("watching"); });
  stream.addEventListener("news", (event) => {
    const news = JSON.parse(event.data);
    // A stream that was broken begins with all that there is.
    if (fresh) {
      log = [];
      membership = [];
      news.anew = true;
      fresh = false;
    }
    show(news);
  });
  stream.addEventListener("end", () => {
    stream.close();
    watch("no longer watching: the run has ended, or its page was closed; reload to look again");
  });
  stream.addEventListener("error", () => watch("the page does not answer: the process that shows it has ended"));
}
