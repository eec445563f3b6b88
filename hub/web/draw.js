/* Draws the charts from the tables beside them, so that both show the same
 * numbers, and a page without scripts loses nothing but the picture.
 *
 * Colours come from style.css, and change when the reader's light or dark does. */
"use strict";

(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const rows = (table) => Array.from(table.tBodies[0].rows, (row) => Array.from(row.cells));
  const number = (cell) => parseInt(cell.textContent, 10) || 0;

  /* Numbers of guests run along one axis, names along the other. */
  function axes(horizontal) {
    const names = { stacked: true, ticks: { color: css("--quiet") }, grid: { display: false } };
    const numbers = {
      stacked: true,
      beginAtZero: true,
      ticks: { color: css("--quiet"), precision: 0 },
      grid: { color: css("--line") },
    };
    return horizontal ? { x: numbers, y: names } : { x: names, y: numbers };
  }

  function legend() {
    return { position: "bottom", labels: { color: css("--ink"), boxWidth: 14 } };
  }

  /* A column a state, a row a day: a bar a day, the best state at its bottom. */
  function days(table) {
    const heads = Array.from(table.tHead.rows[0].cells).slice(1);
    const body = rows(table);
    const sets = heads.map((head, i) => {
      const colour = css("--" + head.dataset.state);
      return {
        label: head.textContent,
        data: body.map((cells) => number(cells[i + 1])),
        backgroundColor: colour,
        barPercentage: 1,
        categoryPercentage: 0.94,
        maxBarThickness: 80,
      };
    });
    return {
      type: "bar",
      data: {
        labels: body.map((cells) => cells[0].textContent),
        datasets: sets.filter((set) => set.data.some((n) => n > 0)).reverse(),
      },
      options: {
        scales: axes(false),
        interaction: { mode: "index", intersect: false },
        plugins: { legend: legend() },
      },
    };
  }

  /* A row a version of an OS: a bar an OS, its versions side by side, the most frequent first. */
  function versions(table) {
    const names = [];
    const found = new Map();
    for (const cells of rows(table)) {
      const os = cells[0].textContent;
      if (!found.has(os)) {
        names.push(os);
        found.set(os, []);
      }
      found.get(os).push({ version: cells[1].textContent, guests: number(cells[2]) });
    }
    const most = Math.max(...Array.from(found.values(), (list) => list.length));
    const colours = ["--link", "--behind", "--newer-than-host", "--current", "--behind-protocol",
      "--inbox-behind-peers", "--incompatible", "--unknown"];
    const sets = [];
    for (let rank = 0; rank < most; rank++) {
      sets.push({
        label: "version " + (rank + 1),
        data: names.map((os) => (found.get(os)[rank] || { guests: 0 }).guests),
        backgroundColor: css(colours[rank % colours.length]),
        borderColor: css("--paper"),
        borderWidth: 1,
        maxBarThickness: 32,
      });
    }
    const short = (name) => (name.length > 34 ? name.slice(0, 33) + "…" : name);
    const version = (item) => (found.get(names[item.dataIndex])[item.datasetIndex] || { version: "" }).version;
    const scales = axes(true);
    scales.y.ticks.autoSkip = false;
    return {
      type: "bar",
      data: { labels: names.map(short), datasets: sets },
      options: {
        indexAxis: "y",
        scales,
        plugins: {
          legend: { display: false },
          tooltip: {
            filter: (item) => item.raw > 0,
            callbacks: { label: (item) => version(item) + ": " + item.raw },
          },
        },
      },
    };
  }

  const makers = { days, versions };
  const drawn = [];

  function draw() {
    while (drawn.length > 0) drawn.pop().destroy();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const place of document.querySelectorAll(".chart")) {
      const table = document.getElementById(place.dataset.table);
      if (!table || table.tBodies[0].rows.length === 0) continue;
      let canvas = place.firstElementChild;
      if (!canvas) {
        canvas = document.createElement("canvas");
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", table.caption.textContent + "; the table below has the numbers");
        place.append(canvas);
      }
      place.hidden = false;
      const setup = makers[place.dataset.chart](table);
      setup.options.maintainAspectRatio = false;
      setup.options.responsive = true;
      setup.options.animation = still ? false : { duration: 250 };
      drawn.push(new Chart(canvas, setup));
    }
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
