import { useState } from 'preact/hooks';
import { areaPath, ceiling, linePath, WINDOW_MS, xOf } from '../model/series.js';
import { timeOfDaySeconds } from '../view/times.js';

const WIDTH = 600;
const HEIGHT = 150;

/** A line over the last five minutes; pointing at it reads a single value. */
export function Chart({ field, title, format, least, base, samples, now }) {
  const [pointed, setPointed] = useState(null); // part of the width, from the left
  const valueOf = (sample) => sample.values[field];
  const most = ceiling(Math.max(least, ...samples.map(valueOf)), base);
  const line = linePath(samples, valueOf, { now, most, width: WIDTH, height: HEIGHT });
  const shown = pointed === null ? samples.at(-1) : nearest(samples, now - (1 - pointed) * WINDOW_MS);
  const onPointerMove = (event) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setPointed((event.clientX - left) / width);
  };
  return (
    <figure class="chart" data-testid="chart" data-field={field}>
      <figcaption>
        <span>{title}</span>
        <strong>{format(valueOf(shown))}</strong>
        {pointed !== null && <time>{timeOfDaySeconds(shown.time)}</time>}
      </figcaption>
      <div class="plot" onPointerMove={onPointerMove} onPointerLeave={() => setPointed(null)}>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${title}: ${format(valueOf(samples.at(-1)))}`}>
          <path class="grid" d={`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`} />
          <path class="area" d={areaPath(line, HEIGHT)} />
          <path class="line" d={line} />
          {pointed !== null && <path class="pointer" d={`M${xOf(shown.time, now, WIDTH)} 0V${HEIGHT}`} />}
        </svg>
        <span class="most">{format(most)}</span>
        <span class="half">{format(most / 2)}</span>
      </div>
      <div class="axis" aria-hidden="true">
        <span>5 min ago</span>
        <span>now</span>
      </div>
    </figure>
  );
}

function nearest(samples, time) {
  return samples.reduce((best, sample) => (Math.abs(sample.time - time) < Math.abs(best.time - time) ? sample : best));
}
