// What the fleet page draws: the load documents of all nodes added up, and five
// minutes of such sums.

export const WINDOW_MS = 5 * 60_000;
const GAP_MS = 4000; // without a sample for this long, the line is broken

/** Adds up load documents; what a node doesn't say counts as nothing. */
export function totals(nodes) {
  const sum = (field) => nodes.reduce((total, node) => total + (Number(node[field]) || 0), 0);
  return {
    nodes: nodes.length,
    connections: sum('connections'),
    rooms: sum('rooms'),
    messages_per_second: sum('messages_per_second'),
    memory_bytes: sum('memory_bytes'),
  };
}

/** The samples of the last five minutes, oldest first: [{time, values}]. */
export class Series {
  samples = [];

  push(time, values) {
    const from = time - WINDOW_MS;
    this.samples = [...this.samples.filter((sample) => sample.time >= from), { time, values }];
  }
}

/**
 * The path of a line through samples in a box of width by height, with now at
 * the right edge, zero at the bottom and most at the top.
 */
export function linePath(samples, valueOf, { now, most, width, height }) {
  let path = '';
  let previous = -Infinity;
  for (const sample of samples) {
    const x = xOf(sample.time, now, width);
    const y = height - (valueOf(sample) / most) * height;
    path += `${sample.time - previous > GAP_MS ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    previous = sample.time;
  }
  return path;
}

/** The same line closed along the bottom, one shape for each unbroken stretch. */
export function areaPath(line, height) {
  return line
    .split('M')
    .filter(Boolean)
    .map((stretch) => {
      const points = stretch.split('L');
      const xAt = (point) => point.split(' ')[0];
      return `M${xAt(points[0])} ${height}L${points.join('L')}L${xAt(points.at(-1))} ${height}Z`;
    })
    .join('');
}

export function xOf(time, now, width) {
  return width - ((now - time) / WINDOW_MS) * width;
}

/**
 * The round number that is not below value: 1, 2 or 5 times a power of ten, or
 * a power of two if base is 1024. It is positive even where value is 0.
 */
export function ceiling(value, base = 10) {
  if (value <= 0) return 1;
  const power = base ** Math.floor(Math.log(value) / Math.log(base));
  const steps = base === 10 ? [1, 2, 5, 10] : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
  return power * steps.find((step) => step * power >= value);
}
