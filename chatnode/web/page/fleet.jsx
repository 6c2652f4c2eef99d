import { render } from 'preact';
import { FleetView } from './fleet/FleetView.jsx';

render(<FleetView />, document.body);
