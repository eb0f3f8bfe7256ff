// Draws each chart of the report with uPlot, from the data that the page carries.
"use strict";
(() => {
  const style = getComputedStyle(document.documentElement);
  const ink = name => style.getPropertyValue(name).trim();
  const shown = value => value == null ? "–"
    : value.toLocaleString("en", {maximumFractionDigits: Math.abs(value) < 10 ? 2 : 1});
  const axis = {
    stroke: ink("--soft"), grid: {stroke: ink("--rule"), width: 1}, ticks: {stroke: ink("--rule")},
  };

  const scale = (least, most, logarithmic) => ({
    distr: logarithmic ? 3 : 1,
    range: (plot, low, high) => {
      if (logarithmic) return uPlot.rangeLog(low, high, 10, true);
      const top = most ?? (high > 0 ? high * 1.05 : 1);
      return [Math.min(least ?? low, low ?? 0), top];
    },
  });

  const seconds = (plot, places) => places.map(one => `${one} s`);

  const options = chart => ({
    height: 260,
    cursor: {drag: {x: true, y: false}},
    scales: {
      x: {
        time: false,
        range: (plot, low, high) => chart.places.length ? [-0.3, chart.places.length - 0.7]
          : low === chart.x[0] && high === chart.x.at(-1) ? [0, chart.end] : [low, high],
      },
      left: scale(chart.least, chart.most, chart.logarithmic),
      right: scale(0, null, false),
    },
    axes: [
      chart.places.length
        ? {...axis, splits: () => chart.places.map((_, n) => n), values: () => chart.places}
        : {...axis, values: seconds},
      {...axis, scale: "left", label: chart.unit, size: 60, labelSize: 18,
        values: (plot, places) => places.map(one => one == null ? "" : shown(one))},
      ...(chart.right ? [{...axis, scale: "right", side: 1, label: chart.right, size: 50,
        labelSize: 18, grid: {show: false}}] : []),
    ],
    series: [
      {label: chart.places.length ? "percentile" : "at",
        value: (plot, at) => at == null ? "–" : chart.places[at] ?? `${shown(at)} s`},
      ...chart.lines.map(line => ({
        label: line.name,
        scale: line.right ? "right" : "left",
        stroke: line.colour,
        width: line.dotted ? 1 : 2,
        dash: line.dotted ? [3, 4] : undefined,
        spanGaps: true,
        points: {show: !line.dotted && chart.x.length < 60},
        value: (plot, value) => shown(value),
      })),
    ],
  });

  const charts = JSON.parse(document.getElementById("plots").textContent);
  const resized = new ResizeObserver(entries => {
    for (const {target, contentRect} of entries)
      target.plot.setSize({width: contentRect.width, height: target.plot.height});
  });
  for (const place of document.querySelectorAll("[data-plot]")) {
    const chart = charts[place.dataset.plot];
    const data = [chart.x, ...chart.lines.map(line => line.values)];
    place.plot = new uPlot({width: place.clientWidth, ...options(chart)}, data, place);
    resized.observe(place);
  }
})();
