import { ceiling, linePath } from '../model/series.js';
import { bytes, count, duration, rate } from '../model/units.js';

export function NodeTable({ nodes, series, now }) {
  return (
    <section class="nodes">
      <table>
        <caption class="visually-hidden">The nodes of the fleet</caption>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">State</th>
            <th scope="col">Connections</th>
            <th scope="col">Rooms</th>
            <th scope="col">Shards</th>
            <th scope="col">Messages/s</th>
            <th scope="col">Memory</th>
            <th scope="col">Up for</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <Row key={node.node} node={node} samples={series.get(node.node)?.samples ?? []} now={now} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ node, samples, now }) {
  return (
    <tr data-testid="node" data-node={node.node}>
      <th scope="row">{node.node}</th>
      <td data-label="State">
        <span class="state" data-state={node.state}>
          {node.state === 'draining' && node.draining > 0 ? `draining, ${count(node.draining)} left` : node.state}
        </span>
      </td>
      <td data-label="Connections">{count(node.connections)}</td>
      <td data-label="Rooms">{count(node.rooms)}</td>
      <td data-label="Shards">{count(node.shards_owned)}</td>
      <td data-label="Messages/s">
        <Spark samples={samples} now={now} />
        {rate(node.messages_per_second)}
      </td>
      <td data-label="Memory">
        <Memory used={node.memory_bytes} limit={node.memory_limit_bytes} />
      </td>
      <td data-label="Up for">{duration(node.uptime_seconds)}</td>
    </tr>
  );
}

function Spark({ samples, now }) {
  const valueOf = (sample) => sample.values.messages_per_second;
  const most = ceiling(Math.max(1, ...samples.map(valueOf)));
  return (
    <svg class="spark" viewBox="0 -1 80 22" preserveAspectRatio="none" aria-hidden="true">
      <path d={linePath(samples, valueOf, { now, most, width: 80, height: 20 })} />
    </svg>
  );
}

// Without a limit (0) there is nothing to be near to.
function Memory({ used, limit }) {
  return (
    <>
      {limit > 0 && <meter min={0} max={limit} high={limit * 0.85} value={used} aria-label="Part of the memory limit" />}
      {bytes(used)}
      {limit > 0 && <small> of {bytes(limit)}</small>}
    </>
  );
}
