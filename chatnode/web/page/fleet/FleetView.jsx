import { useEffect, useMemo } from 'preact/hooks';
import { bytes, count, rate } from '../model/units.js';
import { ThemeToggle } from '../view/ThemeToggle.jsx';
import { useChanges } from '../view/use-changes.js';
import { Chart } from './Chart.jsx';
import { NodeTable } from './NodeTable.jsx';
import { Fleet } from './poll.js';

// least keeps the scale of an idle fleet from magnifying single events.
const CHARTS = [
  { field: 'connections', title: 'Connections', format: count, least: 10 },
  { field: 'messages_per_second', title: 'Messages a second', format: rate, least: 1 },
  { field: 'rooms', title: 'Rooms', format: count, least: 10 },
  { field: 'memory_bytes', title: 'Memory', format: bytes, least: 1, base: 1024 },
];

export function FleetView() {
  const fleet = useMemo(() => new Fleet(), []);
  useChanges(fleet);
  useEffect(() => {
    fleet.run();
    return () => fleet.stop();
  }, [fleet]);

  return (
    <main class="fleet">
      <header>
        <img src="icon.svg" alt="" width="30" height="30" />
        <h1>Fleet</h1>
        <span class="summary" role="status" data-testid="fleet-state" data-state={stateOf(fleet)}>
          {summary(fleet)}
        </span>
        <a href="/">Chat</a>
        <ThemeToggle />
      </header>
      <Notice fleet={fleet} />
      {fleet.nodes?.length > 0 && (
        <>
          <section class={fleet.problem ? 'charts stale' : 'charts'} aria-label="Totals of the last five minutes">
            {CHARTS.map((chart) => (
              <Chart key={chart.field} {...chart} samples={fleet.total.samples} now={fleet.answeredAt} />
            ))}
          </section>
          <NodeTable nodes={fleet.nodes} series={fleet.perNode} now={fleet.answeredAt} />
        </>
      )}
    </main>
  );
}

function stateOf({ problem, nodes }) {
  if (problem) return problem;
  return nodes ? 'live' : 'loading';
}

function summary({ nodes, problem }) {
  if (problem || !nodes) return '';
  const draining = nodes.filter(({ state }) => state === 'draining').length;
  return `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}${draining > 0 ? `, ${draining} draining` : ''}`;
}

function Notice({ fleet: { problem, nodes } }) {
  if (problem === 'absent') {
    return (
      <Card title="The fleet isn't shown here" testid="fleet-absent">
        Load documents are served on this port only with <code>--dev</code>. In a cluster, read <code>/load</code> or <code>/metrics</code> on the
        admin port.
      </Card>
    );
  }
  if (problem === 'unreachable') {
    return (
      <Card title="The node does not answer" testid="fleet-unreachable">
        Asking again every second.{nodes ? ' Below is what it said last.' : ''}
      </Card>
    );
  }
  if (!nodes) return <Card title="Looking for nodes…" testid="fleet-loading" />;
  if (nodes.length === 0) {
    return (
      <Card title="No nodes" testid="fleet-empty">
        The backbone knows of no running chat node at the moment.
      </Card>
    );
  }
  return null;
}

function Card({ title, testid, children }) {
  return (
    <section class="notice" data-testid={testid} role="status">
      <h2>{title}</h2>
      <p>{children}</p>
    </section>
  );
}
